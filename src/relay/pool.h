/* SPDX-License-Identifier: ISC */
/*
 * Connections by destination, for relay.c: who may open one, who waits, which are idle.
 */
#pragma once

#include "fiber/sync.h"
#include "relay/client.h"
#include "relay/pace.h"

struct pool;
struct pool_destination;

struct pool_options {
    struct pace_options pace;
    usec_t idle;
    unsigned messages_per_connection;
    unsigned connections;
};

/* A connection, or the right to open one while `client` is NULL. */
struct pool_connection {
    struct relay_client *client; /* set by whoever opened it */
    struct pool_destination *destination;
    struct link of_destination, of_pool; /* while idle */
    usec_t idle_since;
};

struct pool *pool_new(const struct pool_options *options);
void pool_free(struct pool *p); /* hangs up on idle connections; no others may exist */

/*
 * Takes a connection of a destination, waiting for one when the pace allows no more; a `fresh` one
 * has no client yet. 0, or -E_TEMPORARY (the destination rests until `ret_until`), -E_LIMIT,
 * -ETIMEDOUT, -ECANCELED.
 */
int pool_take(struct pool *p, struct slice key, bool fresh, struct pool_connection **ret_connection,
              usec_t *ret_until) WAITS;

/* Back after use: waits for another message, or is closed by the keeper. */
void pool_put(struct pool *p, struct pool_connection *connection);

/* Back after use, and not wanted any more: says QUIT without making the caller wait. */
void pool_close(struct pool *p, struct pool_connection *connection);

/* Hangs up and gives up the right to a connection. */
void pool_drop(struct pool *p, struct pool_connection *connection);

/* What happened, for the pace: see pace.h. */
void pool_succeeded(struct pool *p, struct pool_connection *connection);
void pool_busy(struct pool *p, struct pool_connection *connection);
void pool_unreachable(struct pool *p, struct pool_connection *connection, struct slice why);
struct slice pool_why(const struct pool *p, struct slice key); /* it rests; borrowed for now */
void pool_wake(struct pool *p, struct slice key);

/* Closes what is idle too long, until cancelled. */
void pool_keep(struct pool *p) WAITS;

struct pool_stats {
    unsigned connections, idle, destinations;
    uint64_t opened, reused;
};
void pool_stats(const struct pool *p, struct pool_stats *ret);
