/* SPDX-License-Identifier: ISC */
#include "store/freed.h"

#include "base/alloc.h"

#define SORT_AT_ONCE 1024U /* more are sorted in another thread */

void freed_add(struct freed *f, const struct store_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].flags & ENTRY_SHARED) {
            buf_add_bytes(&f->shared, &entries[i], sizeof entries[i]);
            continue;
        }
        f->bodies++;
        f->bytes += entries[i].size;
    }
}

static int by_body(const void *a, const void *b) {
    const struct store_entry *x = a, *y = b;
    return x->body < y->body ? -1 : x->body > y->body;
}

static int sort_shared(void *arg) {
    struct freed *f = arg;
    struct store_entry *e = (void *)f->shared.ptr;
    qsort(e, f->shared.len / sizeof *e, sizeof *e, by_body);
    return 0;
}

int freed_sum(struct freed *f, struct store_account *a) {
    struct store_entry *e = (void *)f->shared.ptr;
    size_t count = f->shared.len / sizeof *e, bodies = 0;
    if (count == 0)
        return 0;
    int error = count > SORT_AT_ONCE ? offload(OFFLOAD_DISK, sort_shared, f) : sort_shared(f);
    if (error)
        return error;
    _cleanup_(free_p) uint64_t *numbers = mem_array(count, sizeof *numbers);
    _cleanup_(free_p) uint32_t *counts = mem_array(count, sizeof *counts);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || e[i].body != e[i - 1].body)
            numbers[bodies++] = e[i].body;
    error = a->below->backend->ops->count_entries(a->below, numbers, bodies, counts);
    for (size_t i = 0, at = 0; !error && i < count; at++) {
        size_t first = i;
        while (i < count && e[i].body == e[first].body)
            i++;
        if (counts[at] != i - first)
            continue;
        f->bodies++;
        f->bytes += e[first].size;
    }
    return error;
}

void freed_done(struct freed *f) {
    buf_done(&f->shared);
}
