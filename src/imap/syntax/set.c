/* SPDX-License-Identifier: ISC */
/*
 * Ranges that come in order, as nearly all do, are merged as they come. Others are sorted by radix,
 * so that the worst set of 1 MiB costs a millisecond or two; and before the array grows, so that
 * "1,3,1,3,..." stays small.
 */
#include "imap/syntax/set.h"

#include "base/alloc.h"

#define STAR ((uint64_t)1 << 32) /* stands for "*" among numbers */

bool imap_set_byte(char c) {
    return ascii_is_digit(c) || c == ':' || c == ',' || c == '*';
}

/* ------------------------------------------------------------------ order */

#define RADIX_BITS 11U

static void sort(struct imap_range *ranges, size_t count) {
    _cleanup_(free_p) struct imap_range *other = mem_array(count, sizeof *other);
    _cleanup_(free_p) size_t *places = mem_array((size_t)1 << RADIX_BITS, sizeof *places);
    struct imap_range *from = ranges, *to = other;
    for (unsigned shift = 0; shift < 32; shift += RADIX_BITS) {
        memset(places, 0, sizeof *places << RADIX_BITS);
        for (size_t i = 0; i < count; i++)
            places[from[i].first >> shift & ((1U << RADIX_BITS) - 1)]++;
        size_t sum = 0;
        for (size_t i = 0; i < (size_t)1 << RADIX_BITS; i++) {
            size_t here = places[i];
            places[i] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[places[from[i].first >> shift & ((1U << RADIX_BITS) - 1)]++] = from[i];
        struct imap_range *swap = from;
        from = to;
        to = swap;
    }
    memcpy(ranges, from, count * sizeof *ranges); /* three passes: it is in the other one */
}

/* Of ranges by their first number: those that meet or touch become one. Returns how many are left.
 */
static size_t merge(struct imap_range *ranges, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && ranges[i].first <= (uint64_t)ranges[kept - 1].last + 1)
            ranges[kept - 1].last = MAX(ranges[kept - 1].last, ranges[i].last);
        else
            ranges[kept++] = ranges[i];
    }
    return kept;
}

static void put_in_order(struct imap_set_reader *r) {
    if (!r->unsorted)
        return;
    sort(r->ranges, r->count);
    r->count = merge(r->ranges, r->count);
    r->unsorted = false;
}

static void add_range(struct imap_set_reader *r, uint32_t first, uint32_t last) {
    if (r->count == r->size) {
        put_in_order(r);
        if (r->count >= r->size / 2) {
            r->size = MAX(r->size * 2, 8);
            r->ranges = mem_grow(r->ranges, r->size * sizeof *r->ranges);
        }
    }
    struct imap_range *before = r->count > 0 ? &r->ranges[r->count - 1] : NULL;
    if (before && first >= before->first && first <= (uint64_t)before->last + 1) {
        before->last = MAX(before->last, last);
        return;
    }
    if (before && first < before->first)
        r->unsorted = true;
    r->ranges[r->count++] = (struct imap_range){first, last};
}

/* ------------------------------------------------------------------ text */

static int end_range(struct imap_set_reader *r) {
    if (!r->has_number)
        return -E_SYNTAX;
    uint64_t low = r->second ? MIN(r->first, r->number) : r->number;
    uint64_t high = r->second ? MAX(r->first, r->number) : r->number;
    if (high == STAR) {
        if (!r->star)
            r->star_from = UINT32_MAX;
        r->star = true;
        if (low != STAR) {
            r->star_from = MIN(r->star_from, (uint32_t)low);
            r->star_to = MAX(r->star_to, (uint32_t)low);
        }
    } else {
        add_range(r, (uint32_t)low, (uint32_t)high);
    }
    r->number = 0;
    r->second = r->has_number = false;
    return 0;
}

static int read_byte(struct imap_set_reader *r, char c) {
    switch (c) {
    case ',':
        return end_range(r);
    case ':':
        if (!r->has_number || r->second)
            return -E_SYNTAX;
        r->first = r->number;
        r->second = true;
        r->number = 0;
        r->has_number = false;
        return 0;
    case '*':
        if (r->has_number)
            return -E_SYNTAX;
        r->number = STAR;
        r->has_number = true;
        return 0;
    default:
        if (!ascii_is_digit(c) || r->number == STAR || (!r->has_number && c == '0'))
            return -E_SYNTAX;
        r->has_number = true;
        r->number = r->number * 10 + (uint64_t)(c - '0');
        return r->number > UINT32_MAX ? -E_LIMIT : 0;
    }
}

int imap_set_read(struct imap_set_reader *r, struct slice bytes) {
    for (size_t i = 0; i < bytes.len && r->error == 0; i++)
        r->error = read_byte(r, bytes.ptr[i]);
    return r->error;
}

int imap_set_read_end(struct imap_set_reader *r, struct imap_set *ret) {
    if (r->error == 0)
        r->error = end_range(r);
    if (r->error < 0)
        return r->error;
    put_in_order(r);
    *ret = (struct imap_set){
        .ranges = r->ranges,
        .count = r->count,
        .star = r->star,
        .star_from = r->star_from,
        .star_to = r->star_to,
    };
    return 0;
}

void imap_set_reader_done(struct imap_set_reader *r) {
    free(r->ranges);
    *r = (struct imap_set_reader){0};
}

int imap_set_parse(struct slice text, struct arena *a, struct imap_set *ret) {
    if (slice_eq(text, S("$"))) {
        *ret = (struct imap_set){.saved = true};
        return 0;
    }
    _cleanup_(imap_set_reader_done) struct imap_set_reader r = {0};
    struct imap_set set;
    (void)imap_set_read(&r, text);
    int e = imap_set_read_end(&r, &set);
    if (e < 0)
        return e;
    struct imap_range *ranges = arena_array(a, set.count, sizeof *ranges);
    if (set.count > 0)
        memcpy(ranges, set.ranges, set.count * sizeof *ranges);
    set.ranges = ranges;
    *ret = set;
    return 0;
}

/* ------------------------------------------------------------------ use */

struct imap_set imap_set_resolve(const struct imap_set *set, uint32_t highest, struct arena *a) {
    struct imap_set plain = {.ranges = set->ranges, .count = set->count};
    if (!set->star)
        return plain;
    struct imap_range star = {MAX(MIN(set->star_from, highest), 1), MAX(set->star_to, highest)};
    if (star.last == 0)
        return plain;
    struct imap_range *ranges = arena_array(a, set->count + 1, sizeof *ranges);
    size_t at = 0;
    while (at < set->count && set->ranges[at].first < star.first)
        at++;
    if (at > 0)
        memcpy(ranges, set->ranges, at * sizeof *ranges);
    ranges[at] = star;
    if (at < set->count)
        memcpy(ranges + at + 1, set->ranges + at, (set->count - at) * sizeof *ranges);
    plain.ranges = ranges;
    plain.count = merge(ranges, set->count + 1);
    return plain;
}

bool imap_set_has(const struct imap_set *set, uint32_t number) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && set->ranges[low].first <= number;
}

uint64_t imap_set_size(const struct imap_set *set) {
    uint64_t size = 0;
    for (size_t i = 0; i < set->count; i++)
        size += (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
    return size;
}
