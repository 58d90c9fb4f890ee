/* SPDX-License-Identifier: ISC */
/*
 * Flags of messages (RFC 9051 §6.4.6), on condition if one likes (RFC 7162 §3.1.3).
 *
 * Changes of flags are records like messages, not rows that are updated: one kind of durability for
 * everything, one order of all changes, changes that share a sync with deliveries.
 */
#include <errno.h>

#include "store/select.h"

struct flags_change {
    struct change change;
    struct mailbox *mailbox;
    struct selection selection;
    const struct store_flags *wanted;
    struct store_flags_changed result;
    struct buf *refused;
};

/* Keeps the entries that really change, as they are afterwards. */
static size_t change_entries(struct flags_change *v, struct store_entry *entries, size_t count) {
    const struct store_flags *w = v->wanted;
    size_t changed = 0;
    for (size_t i = 0; i < count; i++) {
        struct store_entry e = entries[i];
        if (w->conditional && e.modseq > w->unchanged_since) {
            uint32_t uid = e.uid;
            v->result.refused++;
            if (v->refused)
                buf_add_bytes(v->refused, &uid, sizeof uid);
            continue;
        }
        uint64_t flags = (e.flags & ~w->remove) | w->add;
        if (flags == e.flags)
            continue;
        e.flags = (uint8_t)flags;
        entries[changed++] = e;
    }
    return changed;
}

static int prepare_flags(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct flags_change *v = CONTAINER_OF(c, struct flags_change, change);
    struct store_entry *entries;
    size_t count;
    if (v->mailbox->gone)
        return -E_UNKNOWN;
    v->result.modseq = v->mailbox->info.modseq;
    while ((count = selection_next(&v->selection, v->mailbox, g, &entries)) > 0) {
        count = change_entries(v, entries, count);
        if (count == 0)
            continue;
        if (v->result.changed == 0)
            v->result.modseq = ++a->given.modseq;
        v->result.changed += count;
        group_add(g, RECORD_FLAGS)->flags = (struct record_flags){
            .mailbox = v->mailbox->info.id,
            .modseq = v->result.modseq,
            .entries = entries,
            .count = count,
        };
    }
    return 0;
}

int store_set_flags(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                    const struct store_flags *wanted, struct store_flags_changed *ret,
                    struct buf *refused) {
    struct flags_change v = {.change = {.prepare = prepare_flags, .reads = true},
                             .mailbox = mailbox_find(a, mailbox),
                             .wanted = wanted,
                             .refused = refused};
    if (!v.mailbox)
        return -E_UNKNOWN;
    if ((wanted->add | wanted->remove) & ~(uint64_t)STORE_FLAGS)
        return -EINVAL;
    int error = mailbox_load(v.mailbox);
    if (error)
        return error;
    error = selection_init(&v.selection, uids, count);
    if (!error)
        error = change_run(a, &v.change);
    selection_done(&v.selection);
    mailbox_rest(v.mailbox);
    if (!error)
        *ret = v.result;
    return error;
}
