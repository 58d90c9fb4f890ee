/* SPDX-License-Identifier: ISC */
/* Removing messages. For how long they can be brought back, forget.c sees to. */
#include "store/freed.h"
#include "store/select.h"

struct expunge {
    struct change change;
    struct selection selection;
    size_t removed;
    uint64_t modseq;
    usec_t when;
    struct freed freed;
};

/* A record about a piece. */
static struct store_record *add_piece(struct expunge *v, struct group *g,
                                      const struct store_entry *entries, size_t count) {
    uint32_t *uids = arena_array(&g->arena, count, sizeof *uids);
    for (size_t i = 0; i < count; i++)
        uids[i] = entries[i].uid;
    freed_add(&v->freed, entries, count);
    v->removed += count;
    struct store_record *r = group_add(g, RECORD_EXPUNGE);
    r->expunge = (struct record_expunge){.mailbox = v->selection.mailbox->info.id,
                                         .modseq = v->modseq,
                                         .when = v->when,
                                         .uids = uids,
                                         .count = count};
    return r;
}

static int prepare_expunge(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct expunge *v = CONTAINER_OF(c, struct expunge, change);
    struct store_entry *entries;
    struct store_record *last = NULL;
    size_t count;
    if (v->selection.mailbox->gone)
        return -E_UNKNOWN;
    v->modseq = ++a->given.modseq;
    v->when = a->store->options.undelete ? fiber_wall() : 0;
    while ((count = selection_next(&v->selection, g, &entries)) > 0)
        last = add_piece(v, g, entries, count);
    if (!last)
        return 0;
    int error = freed_sum(&v->freed, a);
    last->expunge.bodies = v->freed.bodies;
    last->expunge.bytes = v->freed.bytes;
    return error;
}

int store_expunge(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                  size_t *ret_removed) {
    struct expunge v = {.change = {.prepare = prepare_expunge, .reads = true}};
    int error = selection_run(&v.selection, a, mailbox, uids, count, &v.change);
    freed_done(&v.freed);
    if (!error)
        *ret_removed = v.removed;
    return error;
}
