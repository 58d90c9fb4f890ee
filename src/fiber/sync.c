/* SPDX-License-Identifier: ISC */
#include "fiber/sync.h"

#include <errno.h>

#include "fiber/scheduler.h"

void fiber_cond_init(struct fiber_cond *c) {
    list_init(&c->waiters);
}

int fiber_cond_wait_until(struct fiber_cond *c, usec_t deadline) {
    return scheduler_park("a condition", &c->waiters, deadline);
}

int fiber_cond_wait(struct fiber_cond *c) {
    return fiber_cond_wait_until(c, USEC_NEVER);
}

void fiber_cond_wake_one(struct fiber_cond *c) {
    struct link *k = list_first(&c->waiters);
    if (k)
        scheduler_wake(CONTAINER_OF(k, struct fiber, in_wait), 0);
}

void fiber_cond_wake_all(struct fiber_cond *c) {
    while (!list_empty(&c->waiters))
        fiber_cond_wake_one(c);
}

/* ------------------------------------------------------------------ mutex */

void fiber_mutex_init(struct fiber_mutex *m) {
    m->owner = NULL;
    fiber_cond_init(&m->free);
}

int fiber_mutex_lock(struct fiber_mutex *m) {
    struct fiber *self = fiber_self();
    MUST(m->owner != self);
    if (!m->owner) {
        m->owner = self;
        return 0;
    }
    return fiber_cond_wait(&m->free); /* 0: whoever unlocked made us the owner */
}

void fiber_mutex_unlock(struct fiber_mutex *m) {
    MUST(m->owner == fiber_self());
    struct link *k = list_first(&m->free.waiters);
    m->owner = k ? CONTAINER_OF(k, struct fiber, in_wait) : NULL;
    if (k)
        scheduler_wake(m->owner, 0);
}

/* ------------------------------------------------------------------ gate */

void fiber_gate_init(struct fiber_gate *g, unsigned limit) {
    g->limit = limit;
    g->inside = 0;
    fiber_cond_init(&g->free);
}

int fiber_gate_enter(struct fiber_gate *g) {
    if (g->inside < g->limit && list_empty(&g->free.waiters)) {
        g->inside++;
        return 0;
    }
    return fiber_cond_wait(&g->free); /* whoever leaves hands its place over */
}

void fiber_gate_leave(struct fiber_gate *g) {
    MUST(g->inside > 0);
    if (list_empty(&g->free.waiters) || g->inside > g->limit)
        g->inside--;
    else
        fiber_cond_wake_one(&g->free);
}

/* ------------------------------------------------------------------ channel */

void fiber_channel_init(struct fiber_channel *c, void **slots, unsigned size) {
    MUST(size > 0);
    *c = (struct fiber_channel){.slots = slots, .size = size};
    fiber_cond_init(&c->filled);
    fiber_cond_init(&c->emptied);
}

int fiber_channel_send(struct fiber_channel *c, void *item) {
    while (!c->closed && c->count == c->size) {
        int r = fiber_cond_wait(&c->emptied);
        if (r < 0)
            return r;
    }
    if (c->closed)
        return -EPIPE;
    c->slots[(c->first + c->count) % c->size] = item;
    c->count++;
    fiber_cond_wake_one(&c->filled);
    return 0;
}

int fiber_channel_receive(struct fiber_channel *c, void **ret_item) {
    while (c->count == 0) {
        if (c->closed)
            return -E_EOF;
        int r = fiber_cond_wait(&c->filled);
        if (r < 0)
            return r;
    }
    *ret_item = c->slots[c->first];
    c->first = (c->first + 1) % c->size;
    c->count--;
    fiber_cond_wake_one(&c->emptied);
    return 0;
}

void fiber_channel_close(struct fiber_channel *c) {
    c->closed = true;
    fiber_cond_wake_all(&c->filled);
    fiber_cond_wake_all(&c->emptied);
}
