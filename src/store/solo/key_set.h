/* SPDX-License-Identifier: ISC */
/*
 * A set of hashes of delivery keys: says "surely new" without the database. The hash is keyed and
 * differs from run to run; whoever finds a hash here still compares the key itself. The zero value
 * is empty. Nothing is taken out: the set ends with the account's time in memory.
 *
 * A full table is followed by one of twice the size. What the old one holds moves along piece by
 * piece, with each key that is added, so that no delivery waits for half a million others. To free
 * it takes milliseconds as well: who can, takes it as `spent` and frees it in another thread.
 */
#pragma once

#include "base/alloc.h"
#include "base/siphash.h"

#define KEY_SET_MOVES 16U /* places of the old table, for each key that is added */

struct key_table {
    uint64_t *hashes; /* 0: empty place */
    size_t size;      /* a power of two, or 0 */
};

struct key_set {
    struct key_table table, old; /* the old one stays whole until it ends */
    size_t moved;                /* places of the old one */
    void *spent;                 /* a large table that is not used any more */
    size_t count;
};

static inline uint64_t key_hash(struct slice key) {
    uint64_t h = siphash(key);
    return h ? h : 1;
}

static inline bool key_table_has(const struct key_table *t, uint64_t hash) {
    for (size_t i = hash & (t->size - 1); t->size && t->hashes[i]; i = (i + 1) & (t->size - 1))
        if (t->hashes[i] == hash)
            return true;
    return false;
}

static inline bool key_set_has(const struct key_set *s, uint64_t hash) {
    return key_table_has(&s->table, hash) || key_table_has(&s->old, hash);
}

static inline void key_table_put(struct key_table *t, uint64_t hash) {
    size_t i = hash & (t->size - 1);
    while (t->hashes[i])
        i = (i + 1) & (t->size - 1);
    t->hashes[i] = hash;
}

static inline void key_set_move(struct key_set *s) {
    for (unsigned i = 0; i < KEY_SET_MOVES && s->moved < s->old.size; i++, s->moved++)
        if (s->old.hashes[s->moved])
            key_table_put(&s->table, s->old.hashes[s->moved]);
    if (s->moved < s->old.size)
        return;
    if (s->old.size > 0) {
        free(s->spent);
        s->spent = s->old.hashes;
    }
    s->old = (struct key_table){0};
    s->moved = 0;
}

static inline void key_set_add(struct key_set *s, uint64_t hash) {
    if (key_set_has(s, hash))
        return;
    if (2 * (s->count + 1) > s->table.size) {
        s->old = s->table; /* its predecessor has ended long ago */
        s->table.size = s->old.size ? 2 * s->old.size : 16;
        s->table.hashes = mem_array(s->table.size, sizeof *s->table.hashes);
    }
    key_set_move(s);
    key_table_put(&s->table, hash);
    s->count++;
}

static inline size_t key_set_bytes(const struct key_set *s) {
    return (s->table.size + s->old.size) * sizeof *s->table.hashes;
}

static inline void key_set_done(struct key_set *s) {
    free(s->table.hashes);
    free(s->old.hashes);
    free(s->spent);
    *s = (struct key_set){0};
}
