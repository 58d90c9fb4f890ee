/* SPDX-License-Identifier: ISC */
/*
 * What compaction keeps of removed entries that can be brought back: those whose record lies in the
 * pack, and those that stand in an expunge, a move or a removal, which would go with it. They are
 * written as records of their own.
 */
#include "store/solo/compact.h"

#define LOOSE_MAX 1000U /* in a step, before the pack is read */

/* Removed entries to be written again, of one mailbox. */
struct deletions {
    struct compaction *c;
    uint32_t mailbox, count, total;
    struct buf items, sets, last; /* `last`: the text of the last set */
    uint32_t set_count;
};

static void deletions_done(struct deletions *d) {
    buf_done(&d->items);
    buf_done(&d->sets);
    buf_done(&d->last);
}

static void write_deletions(struct deletions *d) {
    if (d->count > 0) {
        struct kept *k = compact_add(d->c, NOTE_DELETED);
        note_deleted_encode(&k->facts, &(struct note_deleted){.account = d->c->account,
                                                              .mailbox = d->mailbox,
                                                              .count = d->count,
                                                              .items = buf_slice(&d->items)});
        note_sets_encode(&k->facts, buf_slice(&d->sets));
    }
    buf_clear(&d->items);
    buf_clear(&d->sets);
    d->count = d->set_count = 0;
}

static void add_deletion(void *arg, const struct index_deletion *one) {
    struct deletions *d = arg;
    struct note_deletion n = one->about;
    if (d->mailbox != one->mailbox || d->sets.len > COMPACT_SETS_BYTES)
        write_deletions(d);
    d->mailbox = one->mailbox;
    if (one->keywords.len > 0) {
        if (d->set_count == 0 || !slice_eq(buf_slice(&d->last), one->keywords)) {
            buf_clear(&d->last);
            buf_add(&d->last, one->keywords);
            buf_add(&d->sets, one->keywords);
            buf_add_byte(&d->sets, '\n');
            d->set_count++;
        }
        n.set = d->set_count;
    }
    note_deletion_encode(&d->items, &n);
    d->count++;
    d->total++;
}

int compact_keep_deleted(struct compaction *c, const struct pack_entry *e) {
    _cleanup_(deletions_done) struct deletions again = {.c = c};
    _cleanup_(buf_done) struct buf keywords = {0};
    struct note_deleted n;
    struct index_deletion now;
    int error = note_deleted_decode(e->record.facts, &n);
    for (size_t i = 0; !error && i < n.count; i++) {
        buf_clear(&keywords);
        error = index_deletion(c->index, n.mailbox, note_deleted_at(&n, i).uid, &now, &keywords);
        if (!error && now.pack == c->pack)
            add_deletion(&again, &now);
        error = error == -E_UNKNOWN ? 0 : error;
    }
    if (!error)
        write_deletions(&again);
    return error;
}

int compact_keep_loose(struct compaction *c) {
    _cleanup_(deletions_done) struct deletions again = {.c = c};
    int error = index_each_loose(c->index, LOOSE_MAX, add_deletion, &again);
    write_deletions(&again);
    return error ? error : again.total == LOOSE_MAX;
}
