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
