/* SPDX-License-Identifier: ISC */
/*
 * Waiting for each other: condition, mutex, gate and channel, all within one scheduler. None of
 * them allocates; each is initialised by its _init() (or its list would be wild) and must be idle
 * (nobody waiting) when its memory goes away.
 */
#pragma once

#include "fiber/fiber.h"

/* A condition: fibers wait, others wake them. Wake-ups are remembered by nobody: test in a loop. */
struct fiber_cond {
    struct list waiters;
};
void fiber_cond_init(struct fiber_cond *c);
int fiber_cond_wait(struct fiber_cond *c) WAITS;
int fiber_cond_wait_until(struct fiber_cond *c, usec_t deadline) WAITS;
void fiber_cond_wake_one(struct fiber_cond *c);
void fiber_cond_wake_all(struct fiber_cond *c);

/* A mutex for state that must stay whole across a wait. Handed over in order of arrival. */
struct fiber_mutex {
    struct fiber *owner;
    struct fiber_cond free;
};
void fiber_mutex_init(struct fiber_mutex *m);
int fiber_mutex_lock(struct fiber_mutex *m) WAITS; /* 0, -ETIMEDOUT, -ECANCELED: then not held */
void fiber_mutex_unlock(struct fiber_mutex *m);

/* A counting gate: at most `limit` fibers inside; the others wait in order of arrival. */
struct fiber_gate {
    unsigned limit, inside;
    struct fiber_cond free;
};
void fiber_gate_init(struct fiber_gate *g, unsigned limit);
int fiber_gate_enter(struct fiber_gate *g) WAITS;
void fiber_gate_leave(struct fiber_gate *g);

/*
 * A channel of pointers with room for `size` of them (slots given by the owner). Sending waits
 * while it is full, receiving while it is empty. After close, sending gives -EPIPE, receiving first
 * drains and then gives -E_EOF.
 */
struct fiber_channel {
    void **slots;
    unsigned size, count, first;
    bool closed;
    struct fiber_cond filled, emptied;
};
void fiber_channel_init(struct fiber_channel *c, void **slots, unsigned size);
int fiber_channel_send(struct fiber_channel *c, void *item) WAITS;
int fiber_channel_receive(struct fiber_channel *c, void **ret_item) WAITS;
void fiber_channel_close(struct fiber_channel *c);
