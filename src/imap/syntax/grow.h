/* SPDX-License-Identifier: ISC */
/*
 * Arrays in an arena whose length nobody knows before. Those that were outgrown stay in the arena
 * until it goes: all of them together are as large as the last.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/*
 * Room for one more behind `count` members; the array, moved where it was full. `size` is how many
 * have room, 0 before the first call.
 */
static inline void *imap_grow(struct arena *a, void *array, size_t count, size_t *size,
                              size_t member) {
    if (count < *size)
        return array;
    MUST(count == *size);
    *size = MAX(*size * 2, 4);
    void *grown = arena_array(a, *size, member);
    if (array)
        memcpy(grown, array, count * member);
    return grown;
}
