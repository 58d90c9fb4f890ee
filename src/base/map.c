/* SPDX-License-Identifier: ISC */
/*
 * Open addressing with linear probing and backward-shift deletion: no tombstones, so a table that
 * lives for months stays as fast as a new one. Grows at three quarters full.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/siphash.h"

static struct map_entry *find(const struct map *m, struct slice key, uint64_t hash) {
    size_t mask = m->size - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_entry *e = &m->entries[i];
        if (!e->value || (e->hash == hash && slice_eq(e->key, key)))
            return e;
    }
}

static void grow(struct map *m) {
    struct map old = *m;
    m->size = old.size > 0 ? old.size * 2 : 16;
    m->entries = mem_array(m->size, sizeof *m->entries);
    for (size_t i = 0; i < old.size; i++) {
        struct map_entry *e = &old.entries[i];
        if (e->value)
            *find(m, e->key, e->hash) = *e;
    }
    free(old.entries);
}

void map_done(struct map *m) {
    free(m->entries);
    *m = (struct map){0};
}

void *map_get(const struct map *m, struct slice key) {
    return m->count > 0 ? find(m, key, siphash(key))->value : NULL;
}

void *map_put(struct map *m, struct slice key, void *value) {
    if ((m->count + 1) * 4 > m->size * 3)
        grow(m);
    uint64_t hash = siphash(key);
    struct map_entry *e = find(m, key, hash);
    void *old = e->value;
    if (!old)
        m->count++;
    *e = (struct map_entry){key, value, hash};
    return old;
}

void *map_remove(struct map *m, struct slice key) {
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, key, siphash(key));
    void *old = e->value;
    if (!old)
        return NULL;
    size_t mask = m->size - 1;
    size_t hole = (size_t)(e - m->entries);
    for (size_t i = (hole + 1) & mask; m->entries[i].value; i = (i + 1) & mask) {
        size_t home = m->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole] = (struct map_entry){0};
    m->count--;
    return old;
}

struct map_entry *map_next(const struct map *m, size_t *at) {
    while (*at < m->size) {
        struct map_entry *e = &m->entries[(*at)++];
        if (e->value)
            return e;
    }
    return NULL;
}
