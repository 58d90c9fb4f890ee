/* SPDX-License-Identifier: ISC */
/*
 * What a transaction adds to the counters of the account, its mailboxes and packs: summed up while
 * its records are taken in, and written once.
 */
#include "store/solo/index_db.h"

#include "base/alloc.h"

struct index_box_delta *box_delta(struct index *ix, uint32_t mailbox) {
    for (size_t i = 0; i < ix->box_count; i++)
        if (ix->boxes[i].mailbox == mailbox)
            return &ix->boxes[i];
    if (ix->box_count == ix->box_size) {
        size_t size = ix->box_size ? 2 * ix->box_size : 8;
        ix->boxes = mem_grow(ix->boxes, size * sizeof *ix->boxes);
        memset(ix->boxes + ix->box_size, 0, (size - ix->box_size) * sizeof *ix->boxes);
        ix->box_size = size;
    }
    struct index_box_delta *d = &ix->boxes[ix->box_count++];
    struct buf name = d->name;
    buf_clear(&name);
    *d = (struct index_box_delta){.mailbox = mailbox, .name = name};
    return d;
}

int index_box_is_gone(struct index *ix, uint32_t mailbox) {
    struct index_box_delta *d = box_delta(ix, mailbox);
    if (d->state == BOX_UNKNOWN) {
        int gone = index_mailbox_gone(ix, mailbox);
        if (gone < 0)
            return gone;
        d->state = gone ? BOX_GONE : BOX_THERE;
    }
    return d->state == BOX_GONE;
}

void index_note_mailbox(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t modseq,
                        struct slice name) {
    struct index_box_delta *d = box_delta(ix, mailbox);
    d->uidnext = MAX(d->uidnext, uid + 1);
    d->modseq = MAX(d->modseq, modseq);
    if (d->name.len == 0)
        buf_add(&d->name, name);
}

struct index_pack_delta *pack_delta(struct index *ix, uint64_t pack) {
    for (size_t i = 0; i < ix->pack_count; i++)
        if (ix->packs[i].pack == pack)
            return &ix->packs[i];
    if (ix->pack_count == ix->pack_size) {
        ix->pack_size = ix->pack_size ? 2 * ix->pack_size : 8;
        ix->packs = mem_grow(ix->packs, ix->pack_size * sizeof *ix->packs);
    }
    ix->packs[ix->pack_count] = (struct index_pack_delta){.pack = pack};
    return &ix->packs[ix->pack_count++];
}

int index_save_account(struct index *ix, const struct index_account *row) {
    return db_run(ix->db, ix->known ? SQL_ACCOUNT_SET : SQL_ACCOUNT_ADD, V(ix->account),
                  V(row->born), V(row->modseq), V(row->message_next), V(row->mailbox_next),
                  V(row->mark.pack), V(row->mark.offset), V(row->bodies), V(row->bytes),
                  V(row->forgotten.modseq), V(row->forgotten.uid), V(row->deleted_bytes));
}

static int by_mailbox(const void *a, const void *b) {
    const struct index_box_delta *x = a, *y = b;
    return x->mailbox < y->mailbox ? -1 : x->mailbox > y->mailbox;
}

static int save_box(struct index *ix, const struct index_box_delta *d, usec_t born) {
    for (int tries = 0;; tries++) {
        int error = db_run(ix->db, SQL_MAILBOX_COUNT, V(ix->account), V(d->mailbox), V(d->messages),
                           V(d->unseen), V(d->bytes), V(d->uidnext), V(d->modseq));
        if (error || db_changes(ix->db) > 0 || tries > 0)
            return error;
        if (d->name.len == 0 && d->mailbox != STORE_INBOX) /* only expunges are left of it */
            return 0;
        uint32_t validity = (uint32_t)(born / USEC_SEC) + d->mailbox;
        error = db_run(ix->db, SQL_MAILBOX_ADD, V(ix->account), V(d->mailbox), V(0),
                       V_TEXT(buf_slice(&d->name)),
                       V(d->mailbox == STORE_INBOX ? STORE_ROLE_INBOX : STORE_ROLE_NONE),
                       V(validity), V(1), V(0));
        if (error)
            return error;
    }
}

void index_begin_sums(struct index *ix) {
    ix->box_count = ix->pack_count = 0;
    ix->bodies = ix->bytes = ix->deleted_bytes = 0;
    ix->forgotten = ix->row.forgotten;
}

/* Writes the counters of the account, its mailboxes and packs. */
int index_save_sums(struct index *ix, struct index_account *row) {
    row->bodies = (uint64_t)((int64_t)row->bodies + ix->bodies);
    row->bytes = (uint64_t)((int64_t)row->bytes + ix->bytes);
    row->deleted_bytes = (uint64_t)((int64_t)row->deleted_bytes + ix->deleted_bytes);
    row->forgotten = ix->forgotten;
    int error = index_save_account(ix, row);
    if (ix->box_count > 1)
        qsort(ix->boxes, ix->box_count, sizeof *ix->boxes, by_mailbox);
    for (size_t i = 0; !error && i < ix->box_count; i++)
        error = save_box(ix, &ix->boxes[i], row->born);
    for (size_t i = 0; !error && i < ix->pack_count; i++) {
        const struct index_pack_delta *d = &ix->packs[i];
        error = db_run(ix->db, SQL_PACK_COUNT, V(ix->account), V(d->pack), V(d->alive), V(d->end));
        if (!error && db_changes(ix->db) == 0) /* a new one */
            error = db_run(ix->db, SQL_PACK_ADD, V(ix->account), V(d->pack), V(d->end), V(d->alive),
                           V(INDEX_PACK_WHOLE));
        if (!error && d->is_half)
            error = db_run(ix->db, SQL_PACK_HALVE, V(ix->account), V(d->pack), V(INDEX_PACK_HALF),
                           V(INDEX_PACK_WHOLE));
    }
    /* Removed mailboxes whose names nobody asks for any more; which packs there are is known now.
     */
    bool forgets = ix->forgotten.modseq != ix->row.forgotten.modseq ||
                   ix->forgotten.uid != ix->row.forgotten.uid;
    if (!error && forgets)
        error = db_run(ix->db, SQL_MAILBOX_FORGET_OLD, V(ix->account));
    return error;
}

int index_leap(struct index *ix) {
    if (!ix->known)
        return 0;
    struct index_account row = ix->row;
    row.modseq += INDEX_LEAP;
    row.message_next += INDEX_LEAP;
    row.mailbox_next += INDEX_LEAP;
    int error = db_begin(ix->db);
    if (error)
        return error;
    error = index_save_account(ix, &row);
    if (!error)
        error = db_run(ix->db, SQL_MAILBOX_LEAP, V(ix->account), V(INDEX_LEAP));
    error = index_end(ix, error);
    if (!error)
        ix->row = row;
    return error;
}

void index_each_change(const struct index *ix,
                       void (*each)(void *arg, uint64_t pack, uint64_t end, int64_t alive,
                                    bool is_half),
                       void *arg) {
    for (size_t i = 0; i < ix->pack_count; i++) {
        const struct index_pack_delta *d = &ix->packs[i];
        each(arg, d->pack, d->end, d->alive, d->is_half);
    }
}
