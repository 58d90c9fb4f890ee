/* SPDX-License-Identifier: ISC */
/* STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3), EXPUNGE and UID EXPUNGE (§6.4.3, §6.4.9). */
#include "imap/limit.h"
#include "imap/rights.h"
#include "imap/vanished.h"

#include <errno.h>

static uint64_t store_flags_of(unsigned system) {
    uint64_t flags = 0;
    flags |= system & IMAP_FLAG_SEEN ? (uint64_t)STORE_SEEN : 0;
    flags |= system & IMAP_FLAG_ANSWERED ? (uint64_t)STORE_ANSWERED : 0;
    flags |= system & IMAP_FLAG_FLAGGED ? (uint64_t)STORE_FLAGGED : 0;
    flags |= system & IMAP_FLAG_DELETED ? (uint64_t)STORE_DELETED : 0;
    flags |= system & IMAP_FLAG_DRAFT ? (uint64_t)STORE_DRAFT : 0;
    return flags;
}

struct store_flags imap_flags_change(const struct imap_store *st) {
    struct store_flags f = {.conditional = st->has_unchanged_since,
                            .unchanged_since = st->unchanged_since};
    uint64_t flags = store_flags_of(st->flags.system);
    if (st->change == IMAP_STORE_REMOVE) {
        f.remove = flags;
        f.remove_keywords = st->flags.keywords;
        f.remove_keyword_count = st->flags.keyword_count;
        return f;
    }
    f.add = flags;
    f.add_keywords = st->flags.keywords;
    f.add_keyword_count = st->flags.keyword_count;
    if (st->change == IMAP_STORE_REPLACE) {
        f.remove = STORE_FLAGS & ~flags;
        f.replace_keywords = true;
    }
    return f;
}

/* RFC 7162 §3.1.3: those that somebody else has changed; as numbers, or as UIDs. */
static void tell_refused(struct imap_session *s, const struct imap_command *command,
                         const struct buf *refused) WAITS {
    struct imap_writer *w = &s->c.writer;
    size_t count = refused->len / sizeof(uint32_t), used = 0;
    struct imap_range *ranges = arena_array(&s->c.arena, count, sizeof *ranges);
    for (size_t i = 0; i < count; i++) {
        uint32_t uid;
        memcpy(&uid, refused->ptr + i * sizeof uid, sizeof uid);
        uint32_t n = command->uid ? uid : (uint32_t)told_number(&s->told, uid);
        if (used > 0 && ranges[used - 1].last + 1 == n)
            ranges[used - 1].last = n;
        else
            ranges[used++] = (struct imap_range){n, n};
    }
    imap_write_begin(w, command->tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "MODIFIED");
    imap_write_set(w, &(struct imap_set){.ranges = ranges, .count = used});
    imap_write_code_end(w);
    imap_write_text(w, S("these had been changed by somebody else"));
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_store(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf uids = {0}, refused = {0};
    const struct imap_store *st = &command->store;
    struct store_flags wanted = imap_flags_change(st);
    struct store_flags_changed changed = {0};
    struct imap_messages i;
    if (s->read_only) {
        imap_say(&s->c, command->tag, "NO", "READ-ONLY", "the mailbox was selected to be read");
        return;
    }
    if (!imap_flags_within(&wanted, imap_rights(s, s->told.mailbox))) {
        imap_no(s, command, -EACCES);
        return;
    }
    if (st->has_unchanged_since)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    int error = imap_messages_begin(&i, s, &st->set, command->uid);
    if (!error) {
        (void)imap_limit_messages(&i);
        imap_messages_uids(&i, &uids);
    }
    if (uids.len > 0)
        error = store_set_flags(s->account, s->told.mailbox, (const uint32_t *)(void *)uids.ptr,
                                uids.len / sizeof(uint32_t), &wanted, &changed, &refused);
    if (!error)
        error = imap_look(s);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_tell(s,
              (command->uid ? (unsigned)IMAP_TELL_UIDS : 0) |
                  (st->silent ? (unsigned)IMAP_TELL_NOT : 0),
              changed.changed > 0 ? changed.modseq : 0);
    if (imap_say_limited(s, command, i.lowest, refused.len > 0 || i.gone > 0))
        return;
    if (refused.len > 0)
        tell_refused(s, command, &refused);
    else if (i.gone > 0)
        imap_say(&s->c, command->tag, "NO", "EXPUNGEISSUED", "some of the messages are gone");
    else
        imap_ok(s, command, "stored");
}

/* ------------------------------------------------------------------ EXPUNGE */

/* Those that are marked, as far as the last look at the mailbox says. */
static void find_marked(struct imap_session *s, const struct imap_set *within,
                        struct buf *uids) WAITS {
    struct store_view_info info;
    struct store_message m;
    store_view_info(s->told.view, &info);
    for (size_t place = 0; place < info.count; place++) {
        store_view_at(s->told.view, place, &m);
        if (m.flags & STORE_DELETED && (!within || imap_set_has(within, m.uid)))
            buf_add_bytes(uids, &m.uid, sizeof m.uid);
        if (place % TOLD_TURN == 0)
            (void)fiber_yield_if_long();
    }
}

int imap_remove_marked(struct imap_session *s, const struct imap_set *within, uint32_t *ret_lowest,
                       size_t *ret_removed) {
    _cleanup_(buf_done) struct buf uids = {0}, removed = {0};
    int error = 0;
    find_marked(s, within, &uids);
    if (ret_lowest)
        *ret_lowest = imap_limit_uids(s, &uids);
    if (uids.len > 0)
        error =
            store_expunge_marked(s->account, s->told.mailbox, (const uint32_t *)(void *)uids.ptr,
                                 uids.len / sizeof(uint32_t), &removed);
    if (error)
        return error;
    *ret_removed = removed.len / sizeof(uint32_t);
    s->counts.removed += *ret_removed;
    if (*ret_removed > 0)
        imap_note_gone(s, &removed, S(""));
    return 0;
}

void imap_do_expunge(struct imap_session *s, const struct imap_command *command) {
    struct imap_messages i;
    uint32_t lowest = 0;
    size_t removed = 0;
    if (s->read_only) {
        imap_say(&s->c, command->tag, "NO", "READ-ONLY", "the mailbox was selected to be read");
        return;
    }
    int error = imap_may(s, s->told.mailbox, STORE_RIGHT_EXPUNGE);
    if (!error)
        error = command->uid ? imap_messages_begin(&i, s, &command->set, true) : imap_look(s);
    if (!error)
        error = imap_remove_marked(s, command->uid ? &i.set : NULL, command->uid ? &lowest : NULL,
                                   &removed);
    if (!error)
        error = imap_look(s);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_tell(s, IMAP_TELL_EXPUNGES | IMAP_TELL_REMOVED, 0);
    if (imap_say_limited(s, command, lowest, s->enabled & IMAP_ENABLED_QRESYNC))
        return;
    imap_ok_removed(s, command, removed > 0,
                    removed == 1 ? "%zu message removed" : "%zu messages removed", removed);
}
