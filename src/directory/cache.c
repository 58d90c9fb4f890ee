/* SPDX-License-Identifier: ISC */
/*
 * An entry is one piece of memory: the struct, the array of targets, then all texts. A change of
 * the directory clears the whole cache: changes are rare, and nothing can be left behind by
 * mistake.
 */
#include "directory/cache.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

#define OVERHEAD 64U /* of the map and the allocator, per entry */

struct entry {
    struct link by_use; /* first: unused for longest */
    struct slice key;
    size_t bytes;
    struct facts facts;
};

/* Known names and unknown ones are bounded apart. */
struct half {
    struct list by_use;
    size_t bytes, max;
};

struct cache {
    struct map entries;
    struct half halves[2]; /* by facts.known */
};

struct cache *cache_new(size_t bytes_max) {
    struct cache *c = NEW(struct cache);
    c->halves[false].max = bytes_max / 4;
    c->halves[true].max = bytes_max - bytes_max / 4;
    list_init(&c->halves[false].by_use);
    list_init(&c->halves[true].by_use);
    return c;
}

static void drop(struct cache *c, struct entry *e) {
    (void)map_remove(&c->entries, e->key);
    link_remove(&e->by_use);
    c->halves[e->facts.known].bytes -= e->bytes;
    free(e);
}

void cache_clear(struct cache *c) {
    for (size_t i = 0; i < ARRAY_SIZE(c->halves); i++) {
        LIST_EACH (e, &c->halves[i].by_use, struct entry, by_use)
            drop(c, e);
    }
}

void cache_free(struct cache *c) {
    if (!c)
        return;
    cache_clear(c);
    map_done(&c->entries);
    free(c);
}

const struct facts *cache_get(struct cache *c, struct slice key) {
    struct entry *e = map_get(&c->entries, key);
    if (!e)
        return NULL;
    link_remove(&e->by_use);
    list_append(&c->halves[e->facts.known].by_use, &e->by_use);
    return &e->facts;
}

static struct slice keep(char **at, struct slice s) {
    char *copy = *at;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    *at += s.len;
    return slice_of(copy, s.len);
}

static struct entry *make_entry(struct slice key, const struct facts *facts) {
    size_t texts = key.len + facts->target.len + facts->catch_all.len + facts->first.len;
    for (size_t i = 0; i < facts->target_count; i++)
        texts += facts->targets[i].len;
    size_t array = facts->target_count * sizeof *facts->targets;
    struct entry *e = mem_zero(sizeof *e + array + texts);
    char *at = (char *)(e + 1) + array;
    e->bytes = sizeof *e + array + texts + OVERHEAD;
    e->facts = *facts;
    e->key = keep(&at, key);
    e->facts.target = keep(&at, facts->target);
    e->facts.catch_all = keep(&at, facts->catch_all);
    e->facts.first = keep(&at, facts->first);
    e->facts.targets = (struct slice *)(void *)(e + 1);
    for (size_t i = 0; i < facts->target_count; i++)
        e->facts.targets[i] = keep(&at, facts->targets[i]);
    return e;
}

void cache_put(struct cache *c, struct slice key, const struct facts *facts) {
    struct entry *old = map_get(&c->entries, key);
    if (old)
        drop(c, old);
    struct half *half = &c->halves[facts->known];
    struct entry *e = make_entry(key, facts);
    if (e->bytes > half->max) {
        free(e);
        return;
    }
    while (half->bytes + e->bytes > half->max)
        drop(c, CONTAINER_OF(list_first(&half->by_use), struct entry, by_use));
    (void)map_put(&c->entries, e->key, e);
    list_append(&half->by_use, &e->by_use);
    half->bytes += e->bytes;
}

size_t cache_bytes(const struct cache *c) {
    return c->halves[false].bytes + c->halves[true].bytes;
}

struct facts facts_copy(struct arena *a, const struct facts *facts) {
    struct facts copy = *facts;
    if (facts->target.len > 0)
        copy.target = arena_copy(a, facts->target);
    if (facts->catch_all.len > 0)
        copy.catch_all = arena_copy(a, facts->catch_all);
    if (facts->first.len > 0)
        copy.first = arena_copy(a, facts->first);
    copy.targets = NULL;
    if (facts->target_count > 0)
        copy.targets = arena_array(a, facts->target_count, sizeof *copy.targets);
    for (size_t i = 0; i < facts->target_count; i++)
        copy.targets[i] = arena_copy(a, facts->targets[i]);
    return copy;
}
