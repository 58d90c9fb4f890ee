/* SPDX-License-Identifier: ISC */
/*
 * Removing messages for ever. A body goes with its last entry: for one that may have others the
 * backend is asked how many, so that usage and quota are right to the byte.
 */
#include "store/select.h"

#include "base/alloc.h"

struct expunge {
    struct change change;
    struct mailbox *mailbox;
    struct selection selection;
    size_t removed;
    uint64_t modseq;
    uint64_t bodies, bytes; /* that go */
    struct buf shared;      /* struct store_entry */
};

/* A record about a piece; sums up what goes with it. */
static struct store_record *add_piece(struct expunge *v, struct group *g,
                                      const struct store_entry *entries, size_t count) {
    uint32_t *uids = arena_array(&g->arena, count, sizeof *uids);
    for (size_t i = 0; i < count; i++) {
        uids[i] = entries[i].uid;
        if (entries[i].flags & ENTRY_SHARED) {
            buf_add_bytes(&v->shared, &entries[i], sizeof entries[i]);
            continue;
        }
        v->bodies++;
        v->bytes += entries[i].size;
    }
    v->removed += count;
    struct store_record *r = group_add(g, RECORD_EXPUNGE);
    r->expunge = (struct record_expunge){
        .mailbox = v->mailbox->info.id, .modseq = v->modseq, .uids = uids, .count = count};
    return r;
}

static int by_body(const void *a, const void *b) {
    const struct store_entry *x = a, *y = b;
    return x->body < y->body ? -1 : x->body > y->body;
}

static int sort_shared(void *arg) {
    struct expunge *v = arg;
    struct store_entry *e = (void *)v->shared.ptr;
    qsort(e, v->shared.len / sizeof *e, sizeof *e, by_body);
    return 0;
}

/* Sums up the bodies that have no entry beside those that are removed. */
static int sum_shared(struct store_account *a, struct expunge *v) WAITS {
    struct store_entry *e = (void *)v->shared.ptr;
    size_t count = v->shared.len / sizeof *e, bodies = 0;
    if (count == 0)
        return 0;
    int error = count > SELECTION_PIECE ? offload(OFFLOAD_DISK, sort_shared, v) : sort_shared(v);
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
        v->bodies++;
        v->bytes += e[first].size;
    }
    return error;
}

static int prepare_expunge(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct expunge *v = CONTAINER_OF(c, struct expunge, change);
    struct store_entry *entries;
    struct store_record *last = NULL;
    size_t count;
    v->modseq = ++a->given.modseq;
    while ((count = selection_next(&v->selection, v->mailbox, g, &entries)) > 0)
        last = add_piece(v, g, entries, count);
    if (!last)
        return 0;
    int error = sum_shared(a, v);
    last->expunge.bodies = v->bodies;
    last->expunge.bytes = v->bytes;
    return error;
}

int store_expunge(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                  size_t *ret_removed) {
    struct expunge v = {.change = {.prepare = prepare_expunge, .reads = true},
                        .mailbox = mailbox_find(a, mailbox)};
    int error = v.mailbox ? mailbox_load(v.mailbox) : -E_UNKNOWN;
    if (error)
        return error;
    error = selection_init(&v.selection, uids, count);
    if (!error)
        error = change_run(a, &v.change);
    selection_done(&v.selection);
    buf_done(&v.shared);
    mailbox_rest(v.mailbox);
    if (!error)
        *ret_removed = v.removed;
    return error;
}
