/* SPDX-License-Identifier: ISC */
/*
 * A hash map from bytes to pointers. Keys are borrowed: they usually point into the value, and must
 * stay unchanged while the entry stands. SipHash with a key of this process: strangers cannot aim
 * for collisions. The zero value is an empty map.
 */
#pragma once

#include "base/slice.h"

struct map_entry {
    struct slice key;
    void *value; /* NULL: empty place */
    uint64_t hash;
};

struct map {
    struct map_entry *entries;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

void map_done(struct map *m); /* frees the table, not the values */

void *map_get(const struct map *m, struct slice key); /* NULL when missing */

/* Adds or replaces; returns the value that was there, or NULL. `value` is not NULL. */
void *map_put(struct map *m, struct slice key, void *value);

void *map_remove(struct map *m, struct slice key); /* what was there, or NULL */

/*
 * Walks all entries in no order: `size_t at = 0; while ((e = map_next(&m, &at))) ...`. The map must
 * not change during the walk.
 */
struct map_entry *map_next(const struct map *m, size_t *at);

/* A key for a map from 64-bit numbers: the bytes of *number. */
static inline struct slice map_u64(const uint64_t *number) {
    return slice_of(number, sizeof *number);
}
