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

/* ------------------------------------------------------------------ how many entries bodies have
 */

/*
 * What stands in memory is looked through when it is not much more than what is asked for: the
 * backend may have a long change, such as the copies themselves, still to take in before it can
 * answer. Versions never change, so another thread may read them.
 */
#define COUNT_MIN 256U
#define COUNT_OF  64U /* entries that are looked at for a body that is asked for */

struct count {
    struct entries **versions; /* of all mailboxes */
    size_t version_count;
    const uint64_t *bodies;
    size_t body_count;
    uint32_t *counts;
};

/* The place of a body; mostly it is the one behind the last that was asked for. */
static size_t body_place(const struct count *c, uint64_t body, size_t likely) {
    size_t low = 0, high = c->body_count;
    if (likely < high && c->bodies[likely] == body)
        return likely;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->bodies[middle] < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int count_entries(void *arg) {
    struct count *c = arg;
    size_t run, place = 0;
    for (size_t i = 0; i < c->version_count; i++)
        for (size_t at = 0; at < entries_count(c->versions[i]); at += run) {
            const struct store_entry *e = entries_run(c->versions[i], at, &run);
            for (size_t k = 0; k < run; k++) {
                place = body_place(c, e[k].body, place);
                if (place < c->body_count && c->bodies[place] == e[k].body)
                    c->counts[place++]++;
            }
        }
    return 0;
}

/* Whether it is worth it, and all that is needed is there. */
static bool can_count(const struct store_account *a, size_t bodies) {
    uint64_t entries = 0;
    for (size_t i = 0; i < a->mailbox_count; i++) {
        const struct mailbox *m = a->mailboxes[i];
        if (m->info.messages > 0 && !mailbox_is_loaded(m))
            return false;
        entries += m->info.messages;
    }
    return bodies >= COUNT_MIN && entries / COUNT_OF <= bodies;
}

static int count_in_memory(struct store_account *a, struct count *c) WAITS {
    const size_t most = a->mailbox_count;
    _cleanup_(free_p) struct entries **versions = mem_array(most, sizeof(struct entries *));
    c->versions = versions;
    for (size_t i = 0; i < most; i++)
        if (mailbox_is_loaded(a->mailboxes[i]))
            versions[c->version_count++] = entries_hold(a->mailboxes[i]->content->entries);
    int error = offload(OFFLOAD_DISK, count_entries, c);
    for (size_t i = 0; i < c->version_count; i++)
        store_drop_entries(a->store, versions[i]);
    return error;
}

static int count_bodies(struct store_account *a, const uint64_t *bodies, size_t count,
                        uint32_t *counts) WAITS {
    if (!can_count(a, count))
        return a->below->backend->ops->count_entries(a->below, bodies, count, counts);
    return count_in_memory(
        a, &(struct count){.bodies = bodies, .body_count = count, .counts = counts});
}

/* ------------------------------------------------------------------ what goes */

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
    error = count_bodies(a, numbers, bodies, counts);
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
