/* SPDX-License-Identifier: ISC */
/*
 * What was lately asked of the directory, also that a name does not exist. Pure. Keys:
 *     "local@domain"   a name: its account and its alias targets
 *     "@domain"        a domain
 *     "@"              the host: the domain of names without one
 * Bounded in bytes; the one unused for longest gives way. Names that do not exist have a quarter of
 * the room and cannot push out those that do, however many of them strangers ask for.
 */
#pragma once

#include "base/arena.h"
#include "directory/admin.h"

/* Facts about one key; those that do not apply are zero. */
struct facts {
    bool known; /* false: there is no such name or domain */

    enum domain_type type;  /* of a domain */
    struct slice target;    /* of an alias domain; "@": the only local domain, if only one */
    struct slice catch_all; /* of a local domain */
    struct slice first;     /* "@": the first local domain */

    uint64_t account_id; /* of a name; 0: no account has it */
    uint64_t quota;
    uint64_t used; /* bytes, as they were when this was read; see directory_used() */
    uint32_t shard;
    bool enabled;
    usec_t replaced;       /* see struct route_mailbox */
    struct slice *targets; /* of an alias; "@": the administrators, as addresses */
    size_t target_count;
};

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
