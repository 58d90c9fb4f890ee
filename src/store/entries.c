/* SPDX-License-Identifier: ISC */
/*
 * A counted B-tree whose nodes are shared between versions. A version is its root node. A node that
 * has one holder is changed in place; one that has more is copied first, and the copy holds what
 * the original holds. So a change costs one path of nodes at most, a delivery into a mailbox that
 * nobody looks at costs none, and a version that nobody holds any more frees what only it had.
 *
 * UIDs only grow, so entries come at the end: leaves are filled one after the other and stay full.
 * A leaf grows with what is in it, since most mailboxes are small. Two neighbours that have become
 * nearly empty are merged when an entry is taken out beside them.
 */
#include "store/entries_node.h"

#include <limits.h>

#include "base/alloc.h"
#include "base/error.h"

#define LEAF_MAX  126U /* 4 KiB with the node's head */
#define LEAF_MIN  4U
#define KIDS_MAX  64U
#define LEVEL_MAX 8U /* more than 2^32 UIDs ever need */

/* ------------------------------------------------------------------ nodes */

static size_t node_size(unsigned level, unsigned size) {
    return offsetof(struct entries, entries) +
           size * (level == 0 ? sizeof(struct store_entry) : sizeof(struct kid));
}

static struct entries *node_new(unsigned level, unsigned size, int64_t *memory) {
    struct entries *e = mem_alloc(node_size(level, size));
    *e = (struct entries){.holders = 1, .level = (uint8_t)level, .size = (uint8_t)size};
    *memory += (int64_t)node_size(level, size);
    return e;
}

struct entries *entries_hold(struct entries *e) {
    if (e)
        e->holders++;
    return e;
}

/* Gives one hold up, and frees what nobody holds any more, from the end. False: `most` is used up.
 */
static bool drop(struct entries *e, unsigned *most, int64_t *memory) {
    if (e->holders > 1) {
        e->holders--;
        return true;
    }
    for (; e->level > 0 && e->used > 0; e->used--)
        if (!drop(e->kids[e->used - 1].node, most, memory))
            return false;
    if (*most == 0)
        return false;
    --*most;
    *memory -= (int64_t)node_size(e->level, e->size);
    free(e);
    return true;
}

void entries_drop(struct entries *e, int64_t *memory) {
    unsigned most = UINT_MAX;
    if (e)
        (void)drop(e, &most, memory);
}

bool entries_drop_some(struct entries *e, unsigned most, int64_t *memory) {
    return drop(e, &most, memory);
}

void entries_own(struct entries **node, unsigned size, int64_t *memory) {
    struct entries *old = *node;
    size = MAX(size, old->size);
    if (old->holders == 1) {
        if (size > old->size) {
            *memory += (int64_t)(node_size(old->level, size) - node_size(old->level, old->size));
            *node = mem_grow(old, node_size(old->level, size));
            (*node)->size = (uint8_t)size;
        }
        return;
    }
    struct entries *e = node_new(old->level, size, memory);
    memcpy(e, old, node_size(old->level, old->used));
    e->holders = 1;
    e->size = (uint8_t)size;
    for (unsigned i = 0; e->level > 0 && i < e->used; i++)
        (void)entries_hold(e->kids[i].node);
    entries_drop(old, memory);
    *node = e;
}

/* ------------------------------------------------------------------ reading */

size_t entries_count(const struct entries *e) {
    return e ? e->count : 0;
}

uint64_t entries_bytes(const struct entries *e) {
    return e ? e->bytes : 0;
}

const struct store_entry *entries_run(const struct entries *e, size_t place, size_t *ret_run) {
    MUST(place < entries_count(e));
    while (e->level > 0) {
        const struct kid *kid = e->kids;
        for (; place >= kid->count; kid++)
            place -= kid->count;
        e = kid->node;
    }
    *ret_run = e->used - place;
    return &e->entries[place];
}

const struct store_entry *entries_at(const struct entries *e, size_t place) {
    size_t run;
    return entries_run(e, place, &run);
}

unsigned entries_kid_of(const struct entries *e, uint32_t uid) {
    unsigned low = 0, high = e->used;
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (e->kids[middle].first <= uid)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t entries_place_in(const struct store_entry *run, size_t count, uint32_t uid) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static unsigned entry_of(const struct entries *e, uint32_t uid) {
    return (unsigned)entries_place_in(e->entries, e->used, uid);
}

size_t entries_place(const struct entries *e, uint32_t uid) {
    size_t before = 0;
    if (!e)
        return 0;
    while (e->level > 0) {
        unsigned at = entries_kid_of(e, uid);
        for (unsigned i = 0; i < at; i++)
            before += e->kids[i].count;
        e = e->kids[at].node;
    }
    return before + entry_of(e, uid);
}

const struct store_entry *entries_find(const struct entries *e, uint32_t uid) {
    if (!e)
        return NULL;
    while (e->level > 0)
        e = e->kids[entries_kid_of(e, uid)].node;
    unsigned at = entry_of(e, uid);
    return at < e->used && e->entries[at].uid == uid ? &e->entries[at] : NULL;
}

const struct store_entry *entries_walk(struct entries_walk *w, uint32_t uid) {
    size_t at = 0;
    if (w->left > 0 && w->run[w->left - 1].uid >= uid) {
        if (w->run->uid != uid)
            at = entries_place_in(w->run, w->left, uid);
    } else {
        const struct entries *e = w->version;
        while (e && e->level > 0)
            e = e->kids[entries_kid_of(e, uid)].node;
        w->run = e ? e->entries : NULL;
        w->left = e ? e->used : 0;
        at = e ? entry_of(e, uid) : 0;
    }
    w->run += at;
    w->left -= at;
    if (w->left == 0 || w->run->uid != uid)
        return NULL;
    w->left--;
    return w->run++;
}

#define SINCE_LEAF  16U /* what looking into a leaf costs, where passing a node over costs 1 */
#define SINCE_COSTS 4096U

struct since {
    uint64_t modseq;
    uint32_t uid;
    unsigned costs;
    void (*each)(void *arg, const struct store_entry *entry);
    void *arg;
};

static uint32_t since(const struct entries *e, struct since *s) {
    if (e->level == 0) {
        for (unsigned i = entry_of(e, s->uid); i < e->used; i++)
            if (e->entries[i].modseq > s->modseq)
                s->each(s->arg, &e->entries[i]);
        s->costs += SINCE_LEAF;
        return 0;
    }
    for (unsigned i = entries_kid_of(e, s->uid); i < e->used; i++) {
        if (s->costs++ >= SINCE_COSTS)
            return MAX(s->uid, e->kids[i].first);
        uint32_t next = e->kids[i].node->newest > s->modseq ? since(e->kids[i].node, s) : 0;
        if (next)
            return next;
    }
    return 0;
}

uint32_t entries_since(const struct entries *e, uint64_t modseq, uint32_t uid,
                       void (*each)(void *arg, const struct store_entry *entry), void *arg) {
    struct since s = {.modseq = modseq, .uid = uid, .each = each, .arg = arg};
    return e && e->newest > modseq ? since(e, &s) : 0;
}

/* ------------------------------------------------------------------ changes */

void entries_note_kid(struct kid *kid) {
    const struct entries *e = kid->node;
    kid->count = e->count;
    kid->first = e->level > 0 ? e->kids[0].first : e->entries[0].uid;
}

static void add_kid(struct entries *e, struct entries *node) {
    struct kid *kid = &e->kids[e->used++];
    kid->node = node;
    entries_note_kid(kid);
    e->count += node->count;
    e->bytes += node->bytes;
    e->newest = MAX(e->newest, node->newest);
}

/* A branch of the given level with one entry. */
static struct entries *branch_new(unsigned level, const struct store_entry *entry,
                                  int64_t *memory) {
    struct entries *e = node_new(level, level > 0 ? KIDS_MAX : LEAF_MIN, memory);
    if (level > 0) {
        add_kid(e, branch_new(level - 1, entry, memory));
        return e;
    }
    e->entries[0] = *entry;
    e->used = 1;
    e->count = 1;
    e->bytes = entry->size;
    e->newest = entry->modseq;
    return e;
}

/* False: the node and all below it at the right edge are full. */
static bool append(struct entries **node, const struct store_entry *entry, int64_t *memory) {
    struct entries *e = *node;
    if (e->level == 0) {
        if (e->used == LEAF_MAX)
            return false;
        bool full = e->used == e->size;
        entries_own(node, full ? MIN(LEAF_MAX, 2U * e->size) : e->size, memory);
        e = *node;
        e->entries[e->used++] = *entry;
    } else {
        entries_own(node, e->size, memory);
        e = *node;
        struct kid *last = &e->kids[e->used - 1];
        if (append(&last->node, entry, memory)) {
            entries_note_kid(last);
        } else if (e->used < KIDS_MAX) {
            add_kid(e, branch_new(e->level - 1U, entry, memory));
            return true;
        } else {
            return false;
        }
    }
    e->count++;
    e->bytes += entry->size;
    e->newest = MAX(e->newest, entry->modseq);
    return true;
}

void entries_append(struct entries **root, const struct store_entry *entry, int64_t *memory) {
    struct entries *e = *root;
    MUST(!e || entries_at(e, e->count - 1)->uid < entry->uid);
    if (!e) {
        *root = branch_new(0, entry, memory);
    } else if (!append(root, entry, memory)) {
        e = *root;
        MUST(e->level < LEVEL_MAX);
        struct entries *above = node_new(e->level + 1U, KIDS_MAX, memory);
        add_kid(above, e);
        add_kid(above, branch_new(e->level, entry, memory));
        *root = above;
    }
}

bool entries_set(struct entries **root, const struct store_entry *entry, int64_t *memory) {
    const struct store_entry *there = entries_find(*root, entry->uid);
    if (!there)
        return false;
    int64_t grown = (int64_t)entry->size - there->size;
    for (struct entries **node = root;;) {
        entries_own(node, (*node)->size, memory);
        struct entries *e = *node;
        e->bytes = (uint64_t)((int64_t)e->bytes + grown);
        e->newest = MAX(e->newest, entry->modseq);
        if (e->level == 0) {
            e->entries[entry_of(e, entry->uid)] = *entry;
            return true;
        }
        node = &e->kids[entries_kid_of(e, entry->uid)].node;
    }
}

void entries_merge_next(struct entries *e, unsigned at, int64_t *memory) {
    if (at + 1U >= e->used)
        return;
    struct kid *kid = &e->kids[at], *next = kid + 1;
    unsigned most = kid->node->level > 0 ? KIDS_MAX : LEAF_MAX;
    unsigned together = (unsigned)kid->node->used + next->node->used;
    if (together > most - most / 4)
        return;
    entries_own(&kid->node, together, memory);
    struct entries *to = kid->node;
    const struct entries *from = next->node;
    if (to->level == 0)
        memcpy(&to->entries[to->used], from->entries, from->used * sizeof *from->entries);
    for (unsigned i = 0; to->level > 0 && i < from->used; i++) {
        to->kids[to->used + i] = from->kids[i];
        (void)entries_hold(from->kids[i].node);
    }
    to->used = (uint8_t)together;
    to->count += from->count;
    to->bytes += from->bytes;
    to->newest = MAX(to->newest, from->newest);
    entries_note_kid(kid);
    entries_drop(next->node, memory);
    memmove(next, next + 1, (e->used - at - 2U) * sizeof *next);
    e->used--;
}

/* The entry is there. */
static void take_out(struct entries **node, const struct store_entry *entry, int64_t *memory) {
    entries_own(node, (*node)->size, memory);
    struct entries *e = *node;
    e->count--;
    e->bytes -= entry->size;
    if (e->level == 0) {
        unsigned at = entry_of(e, entry->uid);
        memmove(&e->entries[at], &e->entries[at + 1], (e->used - at - 1U) * sizeof *e->entries);
        e->used--;
        return;
    }
    unsigned at = entries_kid_of(e, entry->uid);
    struct kid *kid = &e->kids[at];
    take_out(&kid->node, entry, memory);
    if (kid->node->count == 0) {
        entries_drop(kid->node, memory);
        memmove(kid, kid + 1, (e->used - at - 1U) * sizeof *kid);
        e->used--;
        return;
    }
    entries_note_kid(kid);
    entries_merge_next(e, at, memory);
    if (at > 0)
        entries_merge_next(e, at - 1, memory);
}

void entries_lower(struct entries **root, int64_t *memory) {
    while (*root && ((*root)->count == 0 || ((*root)->level > 0 && (*root)->used == 1))) {
        struct entries *e = *root;
        *root = e->count > 0 ? entries_hold(e->kids[0].node) : NULL;
        entries_drop(e, memory);
    }
}

bool entries_remove(struct entries **root, uint32_t uid, int64_t *memory) {
    const struct store_entry *there = entries_find(*root, uid);
    if (!there)
        return false;
    struct store_entry entry = *there;
    take_out(root, &entry, memory);
    entries_lower(root, memory);
    return true;
}
