/* SPDX-License-Identifier: ISC */
/*
 * A destination exists while somebody holds, waits for or keeps idle a connection of it. Those who
 * wait are woken one by one, when a connection comes back, is closed, or the window grew; all of
 * them when the destination begins to rest. A waiter that gives up passes its wake-up on, so none
 * is lost.
 *
 * Closing means QUIT and waiting for its reply, which nobody with a message in hand should wait
 * for: the keeper does it, each in a fiber of its own. Until it is closed a connection counts,
 * since the other host counts it too.
 */
#include "relay/pool.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/map.h"

struct pool {
    struct pool_options options;
    struct pace *pace;
    struct map destinations;
    struct list idle;    /* by of_pool, the longest idle first */
    struct list closing; /* by of_pool */
    struct fiber_cond keeper, room;
    bool kept; /* a keeper runs */
    unsigned connections, idle_count;
    uint64_t opened, reused;
};

struct pool_destination {
    struct pool *pool;
    struct slice key; /* on the heap */
    struct list idle; /* by of_destination, the latest first */
    struct fiber_cond changed;
    unsigned users; /* connections and waiters */
};

struct pool *pool_new(const struct pool_options *options) {
    MUST(options->connections > 0 && options->messages_per_connection > 0);
    struct pool *p = NEW(struct pool);
    p->options = *options;
    p->pace = pace_new(&options->pace);
    list_init(&p->idle);
    list_init(&p->closing);
    fiber_cond_init(&p->keeper);
    fiber_cond_init(&p->room);
    return p;
}

/* ------------------------------------------------------------------ destinations */

static struct pool_destination *destination_use(struct pool *p, struct slice key) {
    struct pool_destination *d = map_get(&p->destinations, key);
    if (!d) {
        d = NEW(struct pool_destination);
        d->pool = p;
        d->key = slice_of(mem_str(key), key.len);
        list_init(&d->idle);
        fiber_cond_init(&d->changed);
        (void)map_put(&p->destinations, d->key, d);
    }
    d->users++;
    return d;
}

static void destination_unuse(struct pool_destination *d) {
    fiber_cond_wake_one(&d->changed);
    if (--d->users > 0)
        return;
    (void)map_remove(&d->pool->destinations, d->key);
    free((char *)d->key.ptr);
    free(d);
}

/* ------------------------------------------------------------------ connections */

static void connection_free(struct pool *p, struct pool_connection *connection) {
    struct pool_destination *d = connection->destination;
    relay_client_free(connection->client);
    pace_leave(p->pace, d->key);
    free(connection);
    p->connections--;
    fiber_cond_wake_one(&p->room);
    destination_unuse(d);
}

void pool_drop(struct pool *p, struct pool_connection *connection) {
    connection_free(p, connection);
}

static void leave_idle(struct pool *p, struct pool_connection *connection) {
    link_remove(&connection->of_destination);
    link_remove(&connection->of_pool);
    p->idle_count--;
}

/* Left to the keeper; without one it hangs up. */
void pool_close(struct pool *p, struct pool_connection *connection) {
    if (!p->kept) {
        connection_free(p, connection);
        return;
    }
    list_append(&p->closing, &connection->of_pool);
    fiber_cond_wake_all(&p->keeper);
}

void pool_put(struct pool *p, struct pool_connection *connection) {
    struct pool_destination *d = connection->destination;
    if (relay_client_messages(connection->client) >= p->options.messages_per_connection ||
        p->options.idle == 0) {
        pool_close(p, connection);
        return;
    }
    connection->idle_since = fiber_now();
    list_prepend(&d->idle, &connection->of_destination);
    list_append(&p->idle, &connection->of_pool);
    if (p->idle_count++ == 0)
        fiber_cond_wake_all(&p->keeper);
    fiber_cond_wake_one(&d->changed);
}

static struct pool_connection *take_idle(struct pool *p, struct pool_destination *d) WAITS {
    struct link *k;
    while ((k = list_first(&d->idle))) {
        struct pool_connection *connection =
            CONTAINER_OF(k, struct pool_connection, of_destination);
        leave_idle(p, connection);
        if (relay_client_alive(connection->client)) {
            p->reused++;
            return connection;
        }
        connection_free(p, connection);
    }
    return NULL;
}

/* Asks that the connection that is idle the longest makes room, and waits for room. */
static int wait_for_room(struct pool *p) WAITS {
    struct link *k = list_first(&p->idle);
    if (k) {
        struct pool_connection *oldest = CONTAINER_OF(k, struct pool_connection, of_pool);
        leave_idle(p, oldest);
        pool_close(p, oldest);
    }
    while (p->connections >= p->options.connections) {
        int r = fiber_cond_wait(&p->room);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Whoever was told of room may have given up, or have no use for it. */
static void pass_room_on(struct pool *p) {
    if (p->connections < p->options.connections)
        fiber_cond_wake_one(&p->room);
}

/* The right to open one: 0, -EAGAIN after a wait, or as pool_take(). */
static int take_right(struct pool *p, struct pool_destination *d, bool fresh,
                      struct pool_connection **ret_connection, usec_t *ret_until) WAITS {
    if (p->connections >= p->options.connections) {
        int r = wait_for_room(p);
        return r < 0 ? r : -EAGAIN;
    }
    int r = pace_enter(p->pace, d->key, fiber_now(), ret_until);
    if (r == -E_BUSY) {
        struct link *idle = fresh ? list_first(&d->idle) : NULL;
        if (idle) { /* it will not do, but makes room; perhaps at once */
            struct pool_connection *unfit =
                CONTAINER_OF(idle, struct pool_connection, of_destination);
            leave_idle(p, unfit);
            pool_close(p, unfit);
            if (!p->kept)
                return -EAGAIN;
        }
        pass_room_on(p);
        r = fiber_cond_wait(&d->changed);
        return r < 0 ? r : -EAGAIN;
    }
    if (r < 0)
        return r;
    struct pool_connection *connection = NEW(struct pool_connection);
    connection->destination = d;
    d->users++;
    p->connections++;
    p->opened++;
    *ret_connection = connection;
    return 0;
}

int pool_take(struct pool *p, struct slice key, bool fresh, struct pool_connection **ret_connection,
              usec_t *ret_until) {
    struct pool_destination *d = destination_use(p, key);
    struct pool_connection *connection;
    int r;
    do {
        connection = fresh ? NULL : take_idle(p, d);
        r = connection ? 0 : take_right(p, d, fresh, &connection, ret_until);
    } while (r == -EAGAIN);
    pass_room_on(p);
    if (r == 0)
        *ret_connection = connection;
    destination_unuse(d);
    return r;
}

/* ------------------------------------------------------------------ pace */

void pool_succeeded(struct pool *p, struct pool_connection *connection) {
    pace_succeeded(p->pace, connection->destination->key);
    fiber_cond_wake_one(&connection->destination->changed);
}

void pool_busy(struct pool *p, struct pool_connection *connection) {
    pace_busy(p->pace, connection->destination->key);
}

void pool_unreachable(struct pool *p, struct pool_connection *connection, struct slice why) {
    pace_unreachable(p->pace, connection->destination->key, fiber_now());
    pace_note(p->pace, connection->destination->key, why);
    fiber_cond_wake_all(&connection->destination->changed);
}

struct slice pool_why(const struct pool *p, struct slice key) {
    return pace_why(p->pace, key);
}

void pool_wake(struct pool *p, struct slice key) {
    pace_wake(p->pace, key);
}

/* ------------------------------------------------------------------ the keeper */

struct closing {
    struct pool *pool;
    struct pool_connection *connection;
};

static void close_one(void *arg) WAITS {
    struct closing closing = *(struct closing *)arg;
    free(arg);
    relay_client_close(TAKE_PTR(closing.connection->client));
    connection_free(closing.pool, closing.connection);
}

static void start_closing(struct pool *p) {
    struct link *k;
    while ((k = list_pop(&p->closing))) {
        struct pool_connection *connection = CONTAINER_OF(k, struct pool_connection, of_pool);
        struct closing closing = {p, connection};
        struct closing *arg = mem_copy(&closing, sizeof closing);
        if (fiber_spawn("relay quit", close_one, arg) < 0) {
            free(arg);
            connection_free(p, connection);
        }
    }
}

/* Moves what is idle since before `since` to the closing ones; when the next is due. */
static usec_t expire(struct pool *p, usec_t since) {
    struct link *k;
    while ((k = list_first(&p->idle))) {
        struct pool_connection *connection = CONTAINER_OF(k, struct pool_connection, of_pool);
        if (connection->idle_since > since)
            return connection->idle_since + p->options.idle;
        leave_idle(p, connection);
        list_append(&p->closing, &connection->of_pool);
    }
    return USEC_NEVER;
}

void pool_keep(struct pool *p) {
    MUST(!p->kept);
    p->kept = true;
    int r;
    do {
        usec_t next = expire(p, fiber_now() - p->options.idle);
        start_closing(p);
        r = fiber_cond_wait_until(&p->keeper, next);
    } while (r == 0 || (r == -ETIMEDOUT && !fiber_cancelled()));
    p->kept = false;
    (void)expire(p, USEC_NEVER);
    struct link *k;
    while ((k = list_pop(&p->closing))) {
        struct pool_connection *connection = CONTAINER_OF(k, struct pool_connection, of_pool);
        relay_client_close(TAKE_PTR(connection->client));
        connection_free(p, connection);
    }
}

void pool_free(struct pool *p) {
    if (!p)
        return;
    struct link *k;
    while ((k = list_first(&p->idle))) {
        struct pool_connection *connection = CONTAINER_OF(k, struct pool_connection, of_pool);
        leave_idle(p, connection);
        connection_free(p, connection);
    }
    MUST(p->connections == 0);
    pace_free(p->pace);
    map_done(&p->destinations);
    free(p);
}

void pool_stats(const struct pool *p, struct pool_stats *ret) {
    *ret = (struct pool_stats){
        .connections = p->connections,
        .idle = p->idle_count,
        .destinations = (unsigned)p->destinations.count,
        .opened = p->opened,
        .reused = p->reused,
    };
}
