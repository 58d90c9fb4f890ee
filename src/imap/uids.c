/* SPDX-License-Identifier: ISC */
/* UIDs as sets, and the one that is saved (RFC 5182). */
#include "imap/session_inside.h"

struct imap_set imap_saved(const struct imap_session *s) {
    return (struct imap_set){
        .ranges = (const struct imap_range *)(const void *)s->saved.ptr,
        .count = s->saved.len / sizeof(struct imap_range),
    };
}

void imap_range_of(size_t count, const struct imap_partial *range, size_t *ret_from,
                   size_t *ret_to) {
    size_t first = range->first - 1, last = range->last;
    if (range->from_end) {
        *ret_from = count - MIN(last, count);
        *ret_to = count - MIN(first, count);
    } else {
        *ret_from = MIN(first, count);
        *ret_to = MIN(last, count);
    }
}

struct imap_set imap_set_of_uids(const struct buf *uids, struct arena *a) {
    size_t count = uids->len / sizeof(uint32_t), used = 0;
    struct imap_range *ranges = arena_array(a, count, sizeof *ranges);
    for (size_t i = 0; i < count; i++) {
        uint32_t uid;
        memcpy(&uid, uids->ptr + i * sizeof uid, sizeof uid);
        if (used > 0 && ranges[used - 1].last + 1 == uid)
            ranges[used - 1].last = uid;
        else
            ranges[used++] = (struct imap_range){uid, uid};
    }
    return (struct imap_set){.ranges = ranges, .count = used};
}

struct imap_set imap_uids_of_numbers(const struct told *t, const struct imap_set *set,
                                     struct arena *a) {
    struct imap_set numbers = imap_set_resolve(set, (uint32_t)told_count(t), a);
    struct imap_range *ranges = arena_array(a, numbers.count, sizeof *ranges);
    size_t count = 0;
    for (size_t i = 0; i < numbers.count; i++) {
        size_t last = MIN((size_t)numbers.ranges[i].last, told_count(t));
        if (numbers.ranges[i].first > last)
            break;
        ranges[count++] =
            (struct imap_range){told_uid(t, numbers.ranges[i].first), told_uid(t, last)};
    }
    return (struct imap_set){.ranges = ranges, .count = count};
}
