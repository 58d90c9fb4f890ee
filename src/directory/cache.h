/* SPDX-License-Identifier: ISC */
/*
 * What was lately asked of the source, also that a name does not exist: facts by their keys. Pure.
 * Bounded in bytes; the one unused for longest gives way. Names that do not exist have a quarter of
 * the room and cannot push out those that do, however many of them strangers ask for.
 */
#pragma once

#include "base/arena.h"
#include "directory/source.h"

struct cache;

struct cache *cache_new(size_t bytes_max);
void cache_free(struct cache *c);

/* Valid until the next cache_put() or cache_clear(), so not across a wait. NULL: not known here. */
const struct facts *cache_get(struct cache *c, struct slice key);

void cache_put(struct cache *c, struct slice key, const struct facts *facts); /* copies */
void cache_clear(struct cache *c);
size_t cache_bytes(const struct cache *c);

/* A copy that lasts as long as the arena. */
struct facts facts_copy(struct arena *a, const struct facts *facts);
