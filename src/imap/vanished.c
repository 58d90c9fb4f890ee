/* SPDX-License-Identifier: ISC */
#include "imap/vanished.h"

#include <errno.h>
#include <stdarg.h>

static void tell(struct imap_session *s, const struct imap_set *set, bool earlier) WAITS {
    struct imap_writer *w = &s->c.writer;
    if (set->count == 0)
        return;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "VANISHED");
    if (earlier) {
        imap_write_open(w);
        imap_write_word(w, "EARLIER");
        imap_write_close(w);
    }
    imap_write_set(w, set);
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_tell_gone(struct imap_session *s, const struct buf *uids) {
    struct arena arena = {0}; /* in IDLE that of the command may stay for long */
    struct imap_set set = imap_set_of_uids(uids, &arena);
    tell(s, &set, false);
    arena_done(&arena);
}

/* Of those that the store knows to have gone. */
static struct imap_set gone_of(struct imap_session *s, const struct imap_set *set,
                               const struct buf *gone) WAITS {
    _cleanup_(buf_done) struct buf uids = {0};
    for (size_t at = 0; at < gone->len; at += sizeof(uint32_t)) {
        uint32_t uid;
        memcpy(&uid, gone->ptr + at, sizeof uid);
        if (imap_set_has(set, uid) && !told_has(&s->told, uid))
            buf_add_bytes(&uids, &uid, sizeof uid);
        (void)fiber_yield_if_long();
    }
    return imap_set_of_uids(&uids, &s->c.arena);
}

/* The next UID from `uid` on that the client counts. */
static uint64_t next_counted(struct imap_session *s, uint32_t uid) {
    size_t number = told_number(&s->told, uid);
    return number <= told_count(&s->told) ? told_uid(&s->told, number) : UINT64_MAX;
}

static void add_range(struct buf *ranges, uint64_t first, uint64_t last) {
    struct imap_range range = {(uint32_t)first, (uint32_t)last};
    if (first <= last)
        buf_add_bytes(ranges, &range, sizeof range);
}

/* All UIDs of the set below the next one that the client does not count. */
static struct imap_set gaps_of(struct imap_session *s, const struct imap_set *set,
                               uint32_t uidnext) WAITS {
    _cleanup_(buf_done) struct buf ranges = {0};
    for (size_t i = 0; i < set->count && set->ranges[i].first < uidnext; i++) {
        uint64_t at = set->ranges[i].first;
        const uint64_t last = MIN(set->ranges[i].last, uidnext - 1);
        while (at <= last) {
            uint64_t next = next_counted(s, (uint32_t)at);
            add_range(&ranges, at, MIN(next - 1, last));
            at = MIN(next, last) + 1;
            (void)fiber_yield_if_long();
        }
    }
    struct imap_range *copy = arena_array(&s->c.arena, ranges.len, 1);
    if (ranges.len > 0)
        memcpy(copy, ranges.ptr, ranges.len);
    return (struct imap_set){.ranges = copy, .count = ranges.len / sizeof *copy};
}

int imap_tell_vanished(struct imap_session *s, const struct imap_set *set, uint64_t since) {
    _cleanup_(buf_done) struct buf gone = {0};
    struct store_view_info info;
    store_view_info(s->told.view, &info);
    struct imap_set wanted =
        set->saved ? imap_saved(s) : imap_set_resolve(set, info.uidnext - 1, &s->c.arena);
    int error = store_vanished(s->account, s->told.mailbox, since, &gone);
    if (error == -E_UNKNOWN || error == -ECANCELED)
        return error;
    struct imap_set told = error ? gaps_of(s, &wanted, info.uidnext) : gone_of(s, &wanted, &gone);
    tell(s, &told, true);
    return 0;
}

void imap_ok_removed(struct imap_session *s, const struct imap_command *command, bool removed,
                     const char *format, ...) {
    struct imap_writer *w = &s->c.writer;
    struct store_mailbox m = {0};
    struct problem text;
    va_list args;
    va_start(args, format);
    imap_sentence_v(w, &text, format, args);
    va_end(args);
    bool tells = removed && s->enabled & IMAP_ENABLED_QRESYNC &&
                 store_mailbox_get(s->account, s->told.mailbox, &m) == 0;
    imap_write_begin(w, command->tag);
    imap_write_word(w, "OK");
    if (tells) {
        imap_write_code(w, "HIGHESTMODSEQ");
        imap_write_number(w, m.modseq);
        imap_write_code_end(w);
    }
    imap_write_text(w, slice_of_str(text.text));
    imap_write_end(w);
    imap_send(&s->c);
}
