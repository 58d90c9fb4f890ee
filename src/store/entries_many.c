/* SPDX-License-Identifier: ISC */
/*
 * Many changes of entries at once: from the root down each node is visited once, with the UIDs that
 * lie below it.
 */
#include "store/entries_node.h"

/* How many of the UIDs, which rise in steps of `step` bytes, lie below the limit. */
static size_t uids_below(const void *uids, size_t step, size_t count, uint64_t limit) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const uint32_t *uid = (const void *)((const char *)uids + middle * step);
        if (*uid < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where the UIDs of a kid end: at the first one of the next. */
static uint64_t limit_of(const struct entries *e, unsigned kid) {
    return kid + 1U < e->used ? e->kids[kid + 1U].first : UINT64_MAX;
}

struct changing {
    void (*change)(void *arg, const struct store_entry *wanted, struct store_entry *entry);
    void *arg;
    int64_t *memory;
};

static void change_below(struct entries **node, const struct store_entry *wanted, size_t count,
                         const struct changing *c) {
    entries_own(node, (*node)->size, c->memory);
    struct entries *e = *node;
    if (e->level == 0) {
        unsigned at = (unsigned)entries_place_in(e->entries, e->used, wanted->uid);
        for (size_t i = 0; i < count && at < e->used;) {
            if (e->entries[at].uid == wanted[i].uid) {
                c->change(c->arg, &wanted[i], &e->entries[at]);
                e->newest = MAX(e->newest, (uint64_t)e->entries[at].modseq);
            }
            if (e->entries[at].uid <= wanted[i].uid)
                at++;
            else
                i++;
        }
        return;
    }
    for (unsigned k = entries_kid_of(e, wanted->uid); count > 0 && k < e->used; k++) {
        size_t some = uids_below(&wanted->uid, sizeof *wanted, count, limit_of(e, k));
        if (some > 0)
            change_below(&e->kids[k].node, wanted, some, c);
        e->newest = MAX(e->newest, e->kids[k].node->newest);
        wanted += some;
        count -= some;
    }
}

void entries_change(struct entries **root, const struct store_entry *wanted, size_t count,
                    void (*change)(void *arg, const struct store_entry *wanted,
                                   struct store_entry *entry),
                    void *arg, int64_t *memory) {
    if (*root && count > 0)
        change_below(root, wanted, count, &(struct changing){change, arg, memory});
}

struct taking {
    void (*each)(void *arg, const struct store_entry *entry);
    void *arg;
    int64_t *memory;
};

static void take_of_leaf(struct entries *e, const uint32_t *uids, size_t count,
                         const struct taking *t) {
    unsigned kept = 0;
    size_t i = 0;
    for (unsigned at = 0; at < e->used; at++) {
        while (i < count && uids[i] < e->entries[at].uid)
            i++;
        if (i < count && uids[i] == e->entries[at].uid) {
            t->each(t->arg, &e->entries[at]);
            e->bytes -= e->entries[at].size;
        } else {
            e->entries[kept++] = e->entries[at];
        }
    }
    e->used = (uint8_t)kept;
    e->count = kept;
}

/* Sums up a node some of whose kids have lost entries; those that have none left go. */
static void close_gaps(struct entries *e, int64_t *memory) {
    unsigned kept = 0;
    e->count = 0;
    e->bytes = 0;
    for (unsigned k = 0; k < e->used; k++) {
        struct kid kid = e->kids[k];
        if (kid.node->count == 0) {
            entries_drop(kid.node, memory);
            continue;
        }
        entries_note_kid(&kid);
        e->count += kid.count;
        e->bytes += kid.node->bytes;
        e->kids[kept++] = kid;
    }
    e->used = (uint8_t)kept;
    for (unsigned k = 0; k + 1U < e->used;) {
        unsigned before = e->used;
        entries_merge_next(e, k, memory);
        k += e->used == before;
    }
}

static void take_below(struct entries **node, const uint32_t *uids, size_t count,
                       const struct taking *t) {
    entries_own(node, (*node)->size, t->memory);
    struct entries *e = *node;
    if (e->level == 0) {
        take_of_leaf(e, uids, count, t);
        return;
    }
    for (unsigned k = entries_kid_of(e, *uids); count > 0 && k < e->used; k++) {
        size_t some = uids_below(uids, sizeof *uids, count, limit_of(e, k));
        if (some > 0)
            take_below(&e->kids[k].node, uids, some, t);
        uids += some;
        count -= some;
    }
    close_gaps(e, t->memory);
}

void entries_take(struct entries **root, const uint32_t *uids, size_t count,
                  void (*each)(void *arg, const struct store_entry *entry), void *arg,
                  int64_t *memory) {
    if (!*root || count == 0)
        return;
    take_below(root, uids, count, &(struct taking){each, arg, memory});
    entries_lower(root, memory);
}
