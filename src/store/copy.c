/* SPDX-License-Identifier: ISC */
/*
 * Copies and moves of messages (RFC 9051 §6.4.7, §6.4.8): further entries of their bodies. They
 * cost no bytes and no quota.
 *
 * The UIDs of one call follow each other. A moved message stays what it is for POP3: its unique-id
 * goes with it. A copy gets its own, since both may lie in one mailbox.
 */
#include "store/select.h"

struct copy {
    struct change change;
    struct mailbox *from, *to;
    uint32_t to_id;
    struct selection selection;
    bool move;
    struct store_copied result;
};

/* From now on it has another entry; should the commit fail, nothing is lost but a question. */
static void mark_shared(struct store_account *a, struct mailbox *m, struct store_entry e) {
    e.flags |= ENTRY_SHARED;
    (void)entries_set(&m->entries, &e, &a->store->memory);
}

static void add_piece(struct store_account *a, struct copy *v, struct group *g,
                      struct store_entry *entries, size_t count) {
    uint64_t modseq = ++a->given.modseq;
    uint32_t *uids = arena_array(&g->arena, count, sizeof *uids);
    for (size_t i = 0; i < count; i++) {
        uids[i] = entries[i].uid;
        if (!v->move) {
            mark_shared(a, v->from, entries[i]);
            entries[i].flags |= ENTRY_COPY | ENTRY_SHARED;
        }
        entries[i].uid = v->to->uidnext++;
        entries[i].modseq = modseq & STORE_MODSEQ_MAX;
    }
    group_add(g, RECORD_COPY)->copy = (struct record_copy){.mailbox = v->to->info.id,
                                                           .mailbox_name = v->to->info.name,
                                                           .entries = entries,
                                                           .count = count,
                                                           .from = v->move ? v->from->info.id : 0,
                                                           .gone = uids};
    v->result.count += count;
}

static int prepare_copy(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct copy *v = CONTAINER_OF(c, struct copy, change);
    struct store_entry *entries;
    size_t count;
    v->to = mailbox_find(a, v->to_id);
    if (!v->to || v->from->gone)
        return -E_UNKNOWN;
    if (v->selection.count >= UINT32_MAX - v->to->uidnext)
        return -E_LIMIT;
    v->result.first_uid = v->to->uidnext;
    while ((count = selection_next(&v->selection, v->from, g, &entries)) > 0)
        add_piece(a, v, g, entries, count);
    return 0;
}

int store_copy(struct store_account *a, uint32_t from, const uint32_t *uids, size_t count,
               uint32_t to, bool move, struct store_copied *ret) {
    struct copy v = {.change = {.prepare = prepare_copy, .reads = true},
                     .from = mailbox_find(a, from),
                     .to_id = to,
                     .move = move};
    int error = v.from ? mailbox_load(v.from) : -E_UNKNOWN;
    if (error)
        return error;
    error = selection_init(&v.selection, uids, count);
    if (!error)
        error = change_run(a, &v.change);
    selection_done(&v.selection);
    mailbox_rest(v.from);
    if (!error)
        *ret = v.result;
    return error;
}
