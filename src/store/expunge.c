/* SPDX-License-Identifier: ISC */
/* Removing messages for ever. */
#include "store/freed.h"
#include "store/select.h"

struct expunge {
    struct change change;
    struct mailbox *mailbox;
    struct selection selection;
    size_t removed;
    uint64_t modseq;
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
    r->expunge = (struct record_expunge){
        .mailbox = v->mailbox->info.id, .modseq = v->modseq, .uids = uids, .count = count};
    return r;
}

static int prepare_expunge(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct expunge *v = CONTAINER_OF(c, struct expunge, change);
    struct store_entry *entries;
    struct store_record *last = NULL;
    size_t count;
    if (v->mailbox->gone)
        return -E_UNKNOWN;
    v->modseq = ++a->given.modseq;
    while ((count = selection_next(&v->selection, v->mailbox, g, &entries)) > 0)
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
    struct expunge v = {.change = {.prepare = prepare_expunge, .reads = true},
                        .mailbox = mailbox_find(a, mailbox)};
    int error = v.mailbox ? mailbox_load(v.mailbox) : -E_UNKNOWN;
    if (error)
        return error;
    error = selection_init(&v.selection, uids, count);
    if (!error)
        error = change_run(a, &v.change);
    selection_done(&v.selection);
    freed_done(&v.freed);
    mailbox_rest(v.mailbox);
    if (!error)
        *ret_removed = v.removed;
    return error;
}
