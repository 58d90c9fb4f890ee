/* SPDX-License-Identifier: ISC */
/*
 * A set of hashes of delivery keys: says "surely new" without the database. The hash is keyed and
 * differs from run to run; whoever finds a hash here still compares the key itself. The zero value
 * is empty. Nothing is taken out: the set ends with the account's time in memory.
 */
#pragma once

#include "base/alloc.h"
#include "base/siphash.h"

struct key_set {
    uint64_t *hashes; /* 0: empty place */
    size_t size;      /* a power of two, or 0 */
    size_t count;
};

static inline uint64_t key_hash(struct slice key) {
    uint64_t h = siphash(key);
    return h ? h : 1;
}

static inline bool key_set_has(const struct key_set *s, uint64_t hash) {
    for (size_t i = hash & (s->size - 1); s->size && s->hashes[i]; i = (i + 1) & (s->size - 1))
        if (s->hashes[i] == hash)
            return true;
    return false;
}

static inline void key_set_put(struct key_set *s, uint64_t hash) {
    size_t i = hash & (s->size - 1);
    while (s->hashes[i])
        i = (i + 1) & (s->size - 1);
    s->hashes[i] = hash;
    s->count++;
}

static inline void key_set_add(struct key_set *s, uint64_t hash) {
    if (key_set_has(s, hash))
        return;
    if (2 * (s->count + 1) > s->size) {
        struct key_set larger = {.size = s->size ? 2 * s->size : 16};
        larger.hashes = mem_array(larger.size, sizeof *larger.hashes);
        for (size_t i = 0; i < s->size; i++)
            if (s->hashes[i])
                key_set_put(&larger, s->hashes[i]);
        free(s->hashes);
        *s = larger;
    }
    key_set_put(s, hash);
}

static inline void key_set_done(struct key_set *s) {
    free(s->hashes);
    *s = (struct key_set){0};
}
