/* SPDX-License-Identifier: ISC */
/* SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2). */
#include <errno.h>

#include "imap/rights.h"
#include "imap/vanished.h"

static void tell_number(struct imap_session *s, const char *code, uint64_t number,
                        const char *text) {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "OK");
    imap_write_code(w, code);
    imap_write_number(w, number);
    imap_write_code_end(w);
    imap_write_text(w, slice_of_str(text));
    imap_write_end(w);
}

/* With none of these a mailbox is selected to be read (RFC 4314 §5.2). */
#define CHANGES                                                                                    \
    (STORE_RIGHT_INSERT | STORE_RIGHT_EXPUNGE | STORE_RIGHT_SEEN | STORE_RIGHT_WRITE |             \
     STORE_RIGHT_DELETE_MESSAGES)

/* FLAGS: what messages have here; PERMANENTFLAGS: what he may set, new keywords too. */
static void tell_flags_of_mailbox(struct imap_session *s, const struct buf *names) {
    struct imap_writer *w = &s->c.writer;
    const unsigned all = IMAP_FLAG_SEEN | IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED |
                         IMAP_FLAG_DELETED | IMAP_FLAG_DRAFT;
    const struct slice any = S("\\*");
    const uint64_t may = s->read_only ? 0 : imap_flags_of_rights(s->rights);
    const unsigned system =
        (may & STORE_SEEN ? (unsigned)IMAP_FLAG_SEEN : 0) |
        (may & STORE_DELETED ? (unsigned)IMAP_FLAG_DELETED : 0) |
        (may & STORE_FLAGGED ? all & ~(unsigned)(IMAP_FLAG_SEEN | IMAP_FLAG_DELETED) : 0);
    _cleanup_(buf_done) struct buf words = {0};
    imap_split_words(buf_slice(names), &words);
    size_t count = words.len / sizeof(struct slice);
    buf_add_bytes(&words, &any, sizeof any);
    const struct slice *list = (const void *)words.ptr;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "FLAGS");
    imap_write_flags(w, all, list, count);
    imap_write_end(w);
    imap_write_begin(w, S("*"));
    imap_write_word(w, "OK");
    imap_write_code(w, "PERMANENTFLAGS");
    imap_write_flags(w, system, list, may & STORE_FLAGGED ? count + 1 : 0);
    imap_write_code_end(w);
    imap_write_text(w, system == all ? S("all of it can be changed")
                       : system == 0 ? S("nothing can be changed")
                                     : S("some of it can be changed"));
    imap_write_end(w);
}

void imap_tell_rights(struct imap_session *s) {
    _cleanup_(buf_done) struct buf names = {0};
    uint32_t rights = s->selected ? imap_rights(s, s->told.mailbox) : 0;
    if (!s->selected || rights == s->rights)
        return;
    s->rights = rights;
    if (store_keywords(s->account, s->told.mailbox, &names) < 0)
        return;
    tell_flags_of_mailbox(s, &names);
    imap_send(&s->c);
}

/* RFC 9051 §6.3.2: the name, in the form in which it is kept. */
static void tell_name(struct imap_session *s, uint32_t mailbox) {
    struct imap_writer *w = &s->c.writer;
    _cleanup_(buf_done) struct buf path = {0};
    imap_path_of(s, mailbox, &path);
    imap_write_begin(w, S("*"));
    imap_write_word(w, "LIST");
    imap_write_open(w);
    imap_write_close(w);
    imap_write_string(w, S("/"));
    imap_write_mailbox(w, buf_slice(&path));
    imap_write_end(w);
}

static void tell_id(struct imap_session *s, uint32_t mailbox) {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "OK");
    imap_write_code(w, "MAILBOXID");
    imap_write_object_id(w, IMAP_ID_MAILBOX, mailbox);
    imap_write_code_end(w);
    imap_write_text(w, S("its id, whatever its name"));
    imap_write_end(w);
}

/* `unseen`: the number of the first unseen message (RFC 3501 §7.1); 0: there is none. */
static void tell_mailbox(struct imap_session *s, const struct buf *names, size_t unseen) WAITS {
    const bool rev2 = s->enabled & IMAP_ENABLED_REV2;
    struct imap_writer *w = &s->c.writer;
    struct store_view_info info;
    store_view_info(s->told.view, &info);
    tell_flags_of_mailbox(s, names);
    imap_write_begin(w, S("*"));
    imap_write_number(w, info.count);
    imap_write_word(w, "EXISTS");
    imap_write_end(w);
    if (!rev2) {
        imap_write_begin(w, S("*"));
        imap_write_number(w, 0);
        imap_write_word(w, "RECENT");
        imap_write_end(w);
    }
    if (unseen > 0)
        tell_number(s, "UNSEEN", unseen, "the first unseen message");
    tell_number(s, "UIDVALIDITY", info.uidvalidity, "UIDs hold");
    tell_number(s, "UIDNEXT", info.uidnext, "the next UID");
    tell_id(s, info.mailbox);
    if (rev2)
        tell_name(s, info.mailbox);
    tell_number(s, "HIGHESTMODSEQ", MAX(info.modseq, (uint64_t)1), "the highest change");
    imap_send(&s->c);
}

/* What has changed in the mailbox since the client was here (RFC 7162 §3.2.5): all of it, whatever
 * it says of which numbers it knows. */
static int resync(struct imap_session *s, const struct imap_select *select) WAITS {
    static const struct imap_range all = {1, UINT32_MAX};
    const struct imap_set known =
        select->has_known ? select->known : (struct imap_set){.ranges = &all, .count = 1};
    _cleanup_(buf_done) struct buf uids = {0};
    int error = told_settle(&s->told);
    if (!error)
        error = imap_tell_vanished(s, &known, select->modseq);
    if (error)
        return error;
    store_view_changes(s->told.view, select->modseq, &uids);
    for (size_t at = 0; at < uids.len; at += sizeof(uint32_t)) {
        struct store_message m;
        uint32_t uid;
        memcpy(&uid, uids.ptr + at, sizeof uid);
        store_view_at(s->told.view, store_view_place(s->told.view, uid), &m);
        if (imap_set_has(&known, uid))
            imap_tell_flags(s, &m, true);
        (void)fiber_yield_if_long();
    }
    return 0;
}

/* What SELECT needs of the messages before its answer. A visit is answered for by another session,
 * which takes its answer for the end of the command. */
static int look_into(struct imap_session *s, size_t *ret_unseen) WAITS {
    struct store_view_info info;
    size_t place;
    int error = imap_visits(s) ? told_settle(&s->told) : 0;
    if (error || s->enabled & (IMAP_ENABLED_REV2 | IMAP_ENABLED_UIDONLY))
        return error;
    error = store_view_first_unseen(s->told.view, &place);
    store_view_info(s->told.view, &info);
    if (!error && place < info.count)
        *ret_unseen = place + 1;
    return error;
}

/*
 * The answer does not wait until a large mailbox is in memory: whatever the client says next does.
 */
static void settle(struct imap_session *s) WAITS {
    if (store_view_is_settled(s->told.view) || s->end != DOOR_END_NONE)
        return;
    (void)stream_flush(s->c.stream); /* an error comes again */
    int error = told_settle(&s->told);
    if (error == -ECANCELED)
        imap_end_by(s, error);
    else if (error)
        imap_end_of_mailbox(s, error);
}

void imap_do_select(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf names = {0};
    const struct imap_select *select = &command->select;
    struct store_mailbox m;
    size_t unseen = 0;
    if (select->qresync && !(s->enabled & IMAP_ENABLED_QRESYNC)) {
        if (imap_bad(&s->c, command->tag, "QRESYNC has to be enabled before") < 0)
            s->end = DOOR_END_DISMISSED;
        return;
    }
    if (s->selected)
        imap_say(&s->c, S("*"), "OK", "CLOSED", "the mailbox before is closed");
    imap_unselect(s);
    int error = imap_find_allowed(s, select->mailbox, STORE_RIGHT_READ, &m);
    if (!error)
        error = store_keywords(s->account, m.id, &names);
    if (!error)
        error = told_begin(&s->told, s->account, m.id);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    s->selected = true;
    error = look_into(s, &unseen);
    if (error) {
        imap_unselect(s);
        imap_no(s, command, error);
        return;
    }
    struct store_view_info info;
    store_view_info(s->told.view, &info);
    s->c.mode.state = IMAP_STATE_SELECTED;
    s->rights = imap_rights(s, m.id);
    s->read_only = command->verb == IMAP_EXAMINE || !(s->rights & CHANGES);
    s->uidvalidity = info.uidvalidity;
    s->flags_told = info.modseq;
    if (select->condstore)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    tell_mailbox(s, &names, unseen);
    if (select->qresync && select->uid_validity == info.uidvalidity)
        error = resync(s, select);
    if (error) {
        imap_unselect(s);
        imap_no(s, command, error);
        return;
    }
    imap_say(&s->c, command->tag, "OK", s->read_only ? "READ-ONLY" : "READ-WRITE", "selected");
    settle(s);
}

/* CLOSE removes what is marked \Deleted without a word (RFC 9051 §6.4.1). */
void imap_do_close(struct imap_session *s, const struct imap_command *command) {
    size_t removed = 0;
    int error = 0;
    if (command->verb == IMAP_CLOSE && !s->read_only &&
        imap_may(s, s->told.mailbox, STORE_RIGHT_EXPUNGE) == 0) {
        error = imap_look(s);
        if (!error)
            error = imap_remove_marked(s, NULL, NULL, &removed);
    }
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_ok_removed(s, command, removed > 0, "closed");
    imap_unselect(s);
}
