/* SPDX-License-Identifier: ISC */
/*
 * Where addresses led when that was last asked: for those who ask it for each message. Pure.
 *
 * Bounded in bytes; the address unused for longest gives way. Only answers that lead somewhere are
 * kept (ROUTE_LOCAL, ROUTE_NOT_OURS): a stranger who tries names pushes out nobody. What is kept
 * has no reasons, which are for people.
 */
#pragma once

#include "base/arena.h"
#include "people/route.h"

struct known_routes;

struct known_routes *known_routes_new(size_t bytes_max);
void known_routes_free(struct known_routes *k); /* NULL is fine */

/*
 * What was put for the address, as it is written, with this version and not asked before `since`,
 * copied into the arena; `ret_asked` is when it was asked. False: that is not known.
 */
bool known_routes_get(struct known_routes *k, struct slice address, uint64_t version, usec_t since,
                      struct arena *a, struct route *ret, usec_t *ret_asked);
void known_routes_put(struct known_routes *k, struct slice address, uint64_t version, usec_t asked,
                      const struct route *route); /* copies */

void known_routes_clear(struct known_routes *k);
size_t known_routes_bytes(const struct known_routes *k);
