/* SPDX-License-Identifier: ISC */
/*
 * What has changed in the selected mailbox, as the client is told: what is gone, what is new, flags
 * that are other ones. Whoever changed it, this session or another: all of it is found by MODSEQ.
 */
#include "imap/fetch/fetching.h"
#include "imap/notify.h"
#include "imap/search/context.h"
#include "imap/vanished.h"

void imap_unselect(struct imap_session *s) {
    if (s->selected)
        told_close(&s->told);
    imap_contexts_done(s);
    buf_done(&s->saved); /* RFC 5182 §2.1 */
    s->selected = s->read_only = false;
    s->own = (struct imap_range){0};
    s->c.mode.state = IMAP_STATE_AUTHENTICATED;
}

int imap_look(struct imap_session *s) {
    int error = told_look(&s->told);
    if (error == -E_UNKNOWN)
        imap_end_of_mailbox(s, error);
    return error;
}

void imap_end_of_mailbox(struct imap_session *s, int error) {
    if (error == -E_UNKNOWN)
        imap_say(&s->c, S("*"), "BYE", NULL, "the selected mailbox was removed, closing");
    else
        imap_say(&s->c, S("*"), "BYE", "UNAVAILABLE",
                 "the selected mailbox cannot be read just now, closing");
    s->end = DOOR_END_DISMISSED;
}

void imap_tell_flags(struct imap_session *s, const struct store_message *m, bool uid) {
    struct imap_writer *w = &s->c.writer;
    imap_begin_fetched(s, told_number(&s->told, m->uid), m->uid);
    if (uid && !(s->enabled & IMAP_ENABLED_UIDONLY)) {
        imap_write_word(w, "UID");
        imap_write_number(w, m->uid);
    }
    imap_write_word(w, "FLAGS");
    imap_write_flags_of(s, m);
    if (s->enabled & IMAP_ENABLED_CONDSTORE) {
        imap_write_word(w, "MODSEQ");
        imap_write_open(w);
        imap_write_number(w, m->modseq);
        imap_write_close(w);
    }
    imap_write_close(w);
    imap_write_end(w);
    imap_send(&s->c);
}

static void gather_uid(void *arg, size_t number, uint32_t uid) {
    buf_add_bytes(arg, &uid, sizeof uid);
}

static void tell_expunge(void *arg, size_t number, uint32_t uid) WAITS {
    struct imap_session *s = arg;
    imap_write_begin(&s->c.writer, S("*"));
    imap_write_number(&s->c.writer, number);
    imap_write_word(&s->c.writer, "EXPUNGE");
    imap_write_end(&s->c.writer);
    imap_send(&s->c);
}

/* Flags of messages that the client knows already: those that the command has changed, and all when
 * changes are told. */
static void tell_changes(struct imap_session *s, const struct buf *uids, uint32_t uidnext,
                         unsigned how, uint64_t own) WAITS {
    const bool condstore = s->enabled & IMAP_ENABLED_CONDSTORE;
    const bool others = how & IMAP_TELL_ALL || imap_selected_events(s) & IMAP_EVENT_FLAG_CHANGE;
    const bool uid = how & IMAP_TELL_UIDS || condstore || s->watching; /* RFC 5465 §5.1 */
    for (size_t at = 0; at < uids->len; at += sizeof(uint32_t)) {
        struct store_message m;
        memcpy(&m.uid, uids->ptr + at, sizeof m.uid);
        if (m.uid >= uidnext)
            break;
        store_view_at(s->told.view, store_view_place(s->told.view, m.uid), &m);
        if (own && m.modseq == own ? !(how & IMAP_TELL_NOT) || condstore : others)
            imap_tell_flags(s, &m, uid);
        if (at / sizeof(uint32_t) % TOLD_TURN == 0)
            (void)fiber_yield_if_long();
    }
}

/* UIDs of messages that have changed since that was last told. */
static void find_changes(struct imap_session *s, struct buf *uids) WAITS {
    struct store_view_info info;
    store_view_info(s->told.view, &info);
    if (info.modseq > s->flags_told)
        store_view_changes(s->told.view, s->flags_told, uids);
    s->flags_told = info.modseq;
}

void imap_note_own(struct imap_session *s, uint32_t mailbox, uint32_t first, uint32_t last) {
    if (s->watching && s->selected && s->told.mailbox == mailbox)
        s->own = (struct imap_range){s->own.first ? s->own.first : first, last};
}

static void tell_expunges(struct imap_session *s) WAITS {
    _cleanup_(buf_done) struct buf uids = {0};
    if (!(s->enabled & (IMAP_ENABLED_QRESYNC | IMAP_ENABLED_UIDONLY))) {
        told_expunge(&s->told, tell_expunge, s);
        return;
    }
    told_expunge(&s->told, gather_uid, &uids);
    imap_tell_gone(s, &uids);
}

/* The new messages as NOTIFY wants to see them, but for those that the session has made itself. */
static void show_new(struct imap_session *s, uint32_t first) WAITS {
    const struct imap_watching *n = s->watching;
    const struct imap_range new = {first, s->told.uidnext - 1}, own = s->own;
    struct imap_range ranges[2];
    size_t count = 0;
    s->own = (struct imap_range){0};
    if (!n || !(n->selected & IMAP_EVENT_MESSAGE_NEW))
        return;
    if (own.first == 0)
        ranges[count++] = new;
    if (own.first > new.first)
        ranges[count++] = (struct imap_range){new.first, own.first - 1};
    if (own.first > 0 && own.last < new.last)
        ranges[count++] = (struct imap_range){own.last + 1, new.last};
    imap_fetch_unasked(s, &n->what, n->sorted,
                       &(struct imap_set){.ranges = ranges, .count = count});
}

/* True: there were some. */
static bool tell_arrivals(struct imap_session *s) WAITS {
    if (!told_arrivals(&s->told))
        return false;
    imap_write_begin(&s->c.writer, S("*"));
    imap_write_number(&s->c.writer, told_count(&s->told));
    imap_write_word(&s->c.writer, "EXISTS");
    imap_write_end(&s->c.writer);
    imap_send(&s->c);
    return true;
}

void imap_tell(struct imap_session *s, unsigned how, uint64_t own) {
    const unsigned events = how & IMAP_TELL_ALL ? IMAP_EVENTS_OF_MESSAGES : imap_selected_events(s);
    const uint32_t uidnext = s->told.uidnext;
    _cleanup_(buf_done) struct buf changed = {0};
    imap_contexts_drop(s);
    if (how & IMAP_TELL_EXPUNGES &&
        (events & IMAP_EVENT_MESSAGE_EXPUNGE || how & IMAP_TELL_REMOVED))
        tell_expunges(s);
    bool new = (events & IMAP_EVENT_MESSAGE_NEW || how & IMAP_TELL_NAMED) && tell_arrivals(s);
    find_changes(s, &changed);
    tell_changes(s, &changed, uidnext, how, own);
    imap_contexts_update(s, &changed, uidnext);
    if (new)
        show_new(s, uidnext);
}
