/* SPDX-License-Identifier: ISC */
/*
 * What has changed in the selected mailbox, as the client is told: what is gone, what is new, flags
 * that are other ones. Whoever changed it, this session or another: all of it is found by MODSEQ.
 */
#include "imap/session_inside.h"
#include "imap/vanished.h"

void imap_unselect(struct imap_session *s) {
    if (s->selected)
        told_close(&s->told);
    buf_done(&s->saved); /* RFC 5182 §2.1 */
    s->selected = s->read_only = false;
    s->c.mode.state = IMAP_STATE_AUTHENTICATED;
}

int imap_look(struct imap_session *s) {
    int error = told_look(&s->told);
    if (error == -E_UNKNOWN) {
        imap_say(&s->c, S("*"), "BYE", NULL, "the selected mailbox was removed, closing");
        s->end = DOOR_END_DISMISSED;
    }
    return error;
}

void imap_split_words(struct slice text, struct buf *words) {
    struct slice word;
    while (slice_next_word(&text, &word))
        buf_add_bytes(words, &word, sizeof word);
}

void imap_write_flags_of(struct imap_session *s, const struct store_message *m) {
    _cleanup_(buf_done) struct buf names = {0}, words = {0};
    unsigned system = 0;
    system |= m->flags & STORE_SEEN ? IMAP_FLAG_SEEN : 0;
    system |= m->flags & STORE_ANSWERED ? IMAP_FLAG_ANSWERED : 0;
    system |= m->flags & STORE_FLAGGED ? IMAP_FLAG_FLAGGED : 0;
    system |= m->flags & STORE_DELETED ? IMAP_FLAG_DELETED : 0;
    system |= m->flags & STORE_DRAFT ? IMAP_FLAG_DRAFT : 0;
    if (m->keywords)
        store_view_keywords(s->told.view, m, &names);
    imap_split_words(buf_slice(&names), &words);
    imap_write_flags(&s->c.writer, system, (const struct slice *)(void *)words.ptr,
                     words.len / sizeof(struct slice));
}

void imap_begin_fetched(struct imap_session *s, size_t number, uint32_t uid) {
    const bool uids = s->enabled & IMAP_ENABLED_UIDONLY;
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_number(w, uids ? uid : number);
    imap_write_word(w, uids ? "UIDFETCH" : "FETCH");
    imap_write_open(w);
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

/* Flags of messages that the client knows already. */
static void tell_changes(struct imap_session *s, uint32_t uidnext, unsigned how,
                         uint64_t not_of) WAITS {
    _cleanup_(buf_done) struct buf uids = {0};
    struct store_view_info info;
    store_view_info(s->told.view, &info);
    if (info.modseq <= s->flags_told)
        return;
    store_view_changes(s->told.view, s->flags_told, &uids);
    for (size_t at = 0; at < uids.len; at += sizeof(uint32_t)) {
        struct store_message m;
        uint32_t uid;
        memcpy(&uid, uids.ptr + at, sizeof uid);
        if (uid >= uidnext)
            break;
        store_view_at(s->told.view, store_view_place(s->told.view, uid), &m);
        if (!(how & IMAP_TELL_NOT) || m.modseq != not_of || s->enabled & IMAP_ENABLED_CONDSTORE)
            imap_tell_flags(s, &m, how & IMAP_TELL_UIDS || s->enabled & IMAP_ENABLED_CONDSTORE);
        (void)fiber_yield_if_long();
    }
    s->flags_told = info.modseq;
}

void imap_tell(struct imap_session *s, unsigned how, uint64_t not_of) {
    uint32_t uidnext = s->told.uidnext;
    if (how & IMAP_TELL_EXPUNGES && s->enabled & (IMAP_ENABLED_QRESYNC | IMAP_ENABLED_UIDONLY)) {
        _cleanup_(buf_done) struct buf uids = {0};
        told_expunge(&s->told, gather_uid, &uids);
        imap_tell_gone(s, &uids);
    } else if (how & IMAP_TELL_EXPUNGES) {
        told_expunge(&s->told, tell_expunge, s);
    }
    if (told_arrivals(&s->told)) {
        imap_write_begin(&s->c.writer, S("*"));
        imap_write_number(&s->c.writer, told_count(&s->told));
        imap_write_word(&s->c.writer, "EXISTS");
        imap_write_end(&s->c.writer);
        imap_send(&s->c);
    }
    tell_changes(s, uidnext, how, not_of);
}
