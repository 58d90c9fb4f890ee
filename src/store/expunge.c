/* SPDX-License-Identifier: ISC */
/* Removing messages. For how long they can be brought back, forget.c sees to. */
#include "store/freed.h"
#include "store/select.h"

struct expunge {
    struct change change;
    struct selection selection;
    uint64_t only;    /* flags without which a message stays */
    struct buf *gone; /* UIDs of those that went; may be NULL */
    size_t removed;
    uint64_t modseq;
    usec_t when;
    struct freed freed;
};

/* A record about those of a piece that go; `last` if none does. */
static struct store_record *add_piece(struct expunge *v, struct group *g,
                                      struct store_entry *entries, size_t count,
                                      struct store_record *last) {
    size_t kept = count;
    count = 0;
    for (size_t i = 0; i < kept; i++)
        if ((entries[i].flags & v->only) == v->only)
            entries[count++] = entries[i];
    if (count == 0)
        return last;
    uint32_t *uids = arena_array(&g->arena, count, sizeof *uids);
    for (size_t i = 0; i < count; i++)
        uids[i] = entries[i].uid;
    freed_add(&v->freed, entries, count);
    v->removed += count;
    if (v->gone)
        buf_add_bytes(v->gone, uids, count * sizeof *uids);
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
        last = add_piece(v, g, entries, count, last);
    if (!last)
        return 0;
    int error = freed_sum(&v->freed, a);
    last->expunge.bodies = v->freed.bodies;
    last->expunge.bytes = v->freed.bytes;
    return error;
}

static int expunge(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                   struct expunge *v) WAITS {
    v->change = (struct change){.prepare = prepare_expunge, .reads = true};
    int error = selection_run(&v->selection, a, mailbox, uids, count, &v->change);
    freed_done(&v->freed);
    return error;
}

int store_expunge(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                  size_t *ret_removed) {
    struct expunge v = {0};
    int error = expunge(a, mailbox, uids, count, &v);
    if (!error)
        *ret_removed = v.removed;
    return error;
}

int store_expunge_marked(struct store_account *a, uint32_t mailbox, const uint32_t *uids,
                         size_t count, struct buf *removed) {
    size_t before = removed->len;
    struct expunge v = {.only = STORE_DELETED, .gone = removed};
    int error = expunge(a, mailbox, uids, count, &v);
    if (error)
        removed->len = before;
    return error;
}
