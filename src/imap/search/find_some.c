/* SPDX-License-Identifier: ISC */
/*
 * Of what is found the first ones, or the last ones, for who wants no more: from the front until
 * there are enough, then in steps back from the end. A set of UIDs or numbers which each message
 * must be in bounds both.
 */
#include "imap/limit.h"
#include "imap/search/finding.h"

/* From a node on, one that says of which set each message must be: the root, or a member of an AND
 * there. count: there is none. */
static size_t bounding_set(const struct imap_find *f, size_t at) {
    const bool and = f->p->nodes[0].key == IMAP_SEARCH_AND;
    const size_t end = and? f->p->count : 1;
    for (at = MAX(at, and? 1U : 0U); at < end; at += f->p->nodes[at].size) {
        const struct imap_search_node *n = &f->p->nodes[at];
        if (!n->negated && (n->key == IMAP_SEARCH_NUMBERS || n->key == IMAP_SEARCH_UIDS))
            return at;
    }
    return f->p->count;
}

static void narrow_by_set(const struct imap_set *set, struct imap_range *to) {
    to->first = MAX(to->first, set->count > 0 ? set->ranges[0].first : UINT32_MAX);
    to->last = MIN(to->last, set->count > 0 ? set->ranges[set->count - 1].last : 0);
}

/* The places between which all that is found must be. */
static void find_bounds(const struct imap_find *f, size_t *ret_begin, size_t *ret_end) {
    struct imap_range uids = {1, UINT32_MAX};
    struct store_view_info info;
    for (size_t at = 0; (at = bounding_set(f, at)) < f->p->count; at++)
        narrow_by_set(f->tests[at].uids, &uids);
    store_view_info(f->told->view, &info);
    *ret_begin = store_view_place(f->told->view, uids.first);
    *ret_end = info.count;
    if (uids.last < UINT32_MAX)
        *ret_end = store_view_place(f->told->view, uids.last + 1);
}

/* What has to be in several sets is in each: the one that bounds it most counts. */
uint32_t imap_find_lowest(const struct imap_find *f) {
    static const struct imap_range all = {1, UINT32_MAX};
    size_t at = bounding_set(f, 0);
    if (!f->s)
        return 0;
    if (at == f->p->count)
        return imap_limit(f->s, f->told, &(struct imap_set){.ranges = &all, .count = 1});
    uint32_t lowest = UINT32_MAX;
    for (; at < f->p->count; at = bounding_set(f, at + 1))
        lowest = MIN(lowest, imap_limit(f->s, f->told, f->tests[at].uids));
    return lowest;
}

#define BACK_FIRST IMAP_FIND_FEW
#define BACK_MOST  4096U

/* The last ones up to a place, not below `begin`: in steps back, each of which goes forward. */
static int find_last(struct imap_find *f, struct imap_progress *progress, size_t begin, size_t end,
                     size_t most, struct buf *uids) WAITS {
    _cleanup_(buf_done) struct buf found = {0};
    size_t step = BACK_FIRST;
    int error = 0;
    while (!error && begin < end && found.len / sizeof(uint32_t) < most) {
        _cleanup_(buf_done) struct buf before = {0};
        size_t from = end - begin > step ? end - step : begin, place = from;
        error = imap_find_between(f, progress, &place, end, SIZE_MAX, &before);
        buf_add(&before, buf_slice(&found));
        buf_clear(&found);
        buf_add(&found, buf_slice(&before));
        end = from;
        step = MIN(2 * step, BACK_MOST);
    }
    size_t too_many = found.len - MIN(found.len, most * sizeof(uint32_t));
    buf_add(uids, slice_from(buf_slice(&found), too_many));
    return error;
}

/* A batch may have looked at more: behind the last one that counts. */
static size_t behind_last(const struct imap_find *f, const struct buf *uids) {
    uint32_t last;
    memcpy(&last, uids->ptr + uids->len - sizeof last, sizeof last);
    return store_view_place(f->told->view, last) + 1;
}

int imap_find_some(struct imap_find *f, struct slice tag, struct imap_find_wanted wanted,
                   struct buf *uids, uint32_t *ret_lowest) {
    struct imap_progress progress = imap_progress_begin(f->s, tag);
    const uint32_t lowest = imap_find_lowest(f);
    const size_t before = uids->len;
    size_t begin, end;
    find_bounds(f, &begin, &end);
    *ret_lowest = lowest;
    if (lowest > 0)
        begin = MAX(begin, store_view_place(f->told->view, lowest));
    imap_find_ask_index(f, end > begin ? end - begin : 0);
    int error = imap_find_between(f, &progress, &begin, end, wanted.first, uids);
    if (error || wanted.last == 0)
        return error;
    if (uids->len > before)
        begin = behind_last(f, uids);
    error = find_last(f, &progress, begin, end, wanted.last, uids);
    if (wanted.first == 0 && (uids->len - before) / sizeof(uint32_t) >= wanted.last)
        *ret_lowest = 0; /* no others were asked for */
    return error;
}
