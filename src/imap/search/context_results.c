/* SPDX-License-Identifier: ISC */
/* The results of a search that are kept: who is among them, who comes and goes. */
#include "base/alloc.h"
#include "imap/search/sort.h"
#include "imap/search/updating.h"

/* Of a sorted list each is looked for among those that are asked for, which are few. */
static void mark_members(const struct imap_context *c, const struct buf *rising,
                         bool *marks) WAITS {
    const uint32_t *first = (const void *)rising->ptr;
    for (size_t i = 0; i < imap_uid_count(&c->uids); i++) {
        uint32_t uid = imap_uid_at(&c->uids, i);
        const uint32_t *there =
            bsearch(&uid, first, imap_uid_count(rising), sizeof uid, imap_compare_uids);
        if (there)
            marks[there - first] = true;
        (void)fiber_yield_if_long();
    }
}

void imap_context_members(const struct imap_context *c, const struct buf *rising,
                          struct buf *members) {
    const size_t count = imap_uid_count(rising);
    _cleanup_(free_p) bool *marks = mem_array(count, sizeof *marks);
    if (count == 0)
        return;
    if (imap_context_is_sorted(c))
        mark_members(c, rising, marks);
    for (size_t i = 0; i < count; i++) {
        uint32_t uid = imap_uid_at(rising, i);
        if (marks[i] || (!imap_context_is_sorted(c) && imap_has_uid(&c->uids, uid)))
            buf_add_bytes(members, &uid, sizeof uid);
        (void)fiber_yield_if_long();
    }
}

void imap_context_take_out(struct imap_context *c, const struct buf *rising, struct buf *steps) {
    _cleanup_(buf_done) struct buf gone = {0};
    size_t kept = 0;
    imap_context_members(c, rising, &gone);
    const size_t count = gone.len > 0 ? imap_uid_count(&c->uids) : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t uid = imap_uid_at(&c->uids, i);
        struct imap_step step = {imap_context_is_sorted(c) ? (uint32_t)kept + 1 : 0, uid};
        if (imap_has_uid(&gone, uid))
            buf_add_bytes(steps, &step, sizeof step);
        else
            memcpy(c->uids.ptr + kept++ * sizeof uid, &uid, sizeof uid);
        (void)fiber_yield_if_long();
    }
    if (gone.len > 0)
        c->uids.len = kept * sizeof(uint32_t);
}

/* Whether a message of the results stands behind one that is to come in. */
static int stands_behind(struct imap_session *s, const struct imap_context *c, uint32_t there,
                         uint32_t uid, bool *ret) WAITS {
    const uint32_t both[] = {MIN(there, uid), MAX(there, uid)};
    _cleanup_(buf_done) struct buf uids = {0};
    *ret = there > uid;
    if (!imap_context_is_sorted(c))
        return 0;
    buf_add_bytes(&uids, both, sizeof both);
    int error = imap_sort_uids(s, S(""), &c->command.search.sort, &uids);
    *ret = imap_uid_at(&uids, 0) == uid;
    return error;
}

int imap_context_put_in(struct imap_session *s, struct imap_context *c, uint32_t uid,
                        struct buf *steps) {
    size_t low = 0, high = imap_uid_count(&c->uids);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool behind;
        int error = stands_behind(s, c, imap_uid_at(&c->uids, middle), uid, &behind);
        if (error)
            return error;
        if (behind)
            high = middle;
        else
            low = middle + 1;
    }
    const size_t at = low * sizeof uid, rest = c->uids.len - at;
    struct imap_step step = {imap_context_is_sorted(c) ? (uint32_t)low + 1 : 0, uid};
    buf_add_bytes(&c->uids, &uid, sizeof uid);
    memmove(c->uids.ptr + at + sizeof uid, c->uids.ptr + at, rest);
    memcpy(c->uids.ptr + at, &uid, sizeof uid);
    buf_add_bytes(steps, &step, sizeof step);
    return 0;
}
