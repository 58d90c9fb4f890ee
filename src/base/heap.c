/* SPDX-License-Identifier: ISC */
#include "base/heap.h"

#include "base/alloc.h"
#include "base/error.h"

static void put(struct heap *h, size_t place, struct heap_item *item) {
    h->items[place - 1] = item;
    item->place = place;
}

static void sift_up(struct heap *h, struct heap_item *item, size_t place) {
    while (place > 1 && h->items[place / 2 - 1]->key > item->key) {
        put(h, place, h->items[place / 2 - 1]);
        place /= 2;
    }
    put(h, place, item);
}

static void sift_down(struct heap *h, struct heap_item *item, size_t place) {
    for (size_t child = place * 2; child <= h->count; child = place * 2) {
        if (child < h->count && h->items[child]->key < h->items[child - 1]->key)
            child++;
        if (h->items[child - 1]->key >= item->key)
            break;
        put(h, place, h->items[child - 1]);
        place = child;
    }
    put(h, place, item);
}

void heap_done(struct heap *h) {
    free(h->items);
    *h = (struct heap){0};
}

void heap_add(struct heap *h, struct heap_item *item, int64_t key) {
    MUST(item->place == 0);
    if (h->count == h->size) {
        h->size = h->size > 0 ? h->size * 2 : 16;
        h->items = mem_grow(h->items, h->size * sizeof(struct heap_item *));
    }
    item->key = key;
    h->count++;
    sift_up(h, item, h->count);
}

void heap_remove(struct heap *h, struct heap_item *item) {
    size_t place = item->place;
    if (place == 0)
        return;
    MUST(place <= h->count && h->items[place - 1] == item);
    struct heap_item *last = h->items[h->count - 1];
    h->count--;
    item->place = 0;
    if (last == item)
        return;
    if (place > 1 && h->items[place / 2 - 1]->key > last->key)
        sift_up(h, last, place);
    else
        sift_down(h, last, place);
}

struct heap_item *heap_first(const struct heap *h) {
    return h->count > 0 ? h->items[0] : NULL;
}
