/* SPDX-License-Identifier: ISC */
/*
 * A heap of intrusive items ordered by a 64-bit key, smallest first: timers, retry times. An item
 * knows its place, so taking out any item costs O(log n). The zero value is an empty heap, a zeroed
 * item is in no heap.
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

struct heap_item {
    int64_t key;
    size_t place; /* 1-based; 0: in no heap */
};

struct heap {
    struct heap_item **items;
    size_t count;
    size_t size;
};

void heap_done(struct heap *h);
void heap_add(struct heap *h, struct heap_item *item, int64_t key);
void heap_remove(struct heap *h, struct heap_item *item); /* not in the heap: nothing happens */
struct heap_item *heap_first(const struct heap *h);       /* NULL when empty */
