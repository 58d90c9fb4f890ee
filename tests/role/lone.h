/* SPDX-License-Identifier: ISC */
/*
 * A lone process: one role, open and at work in this test, with the test as its peers. What it
 * reports to the event log is kept as text.
 *
 *     struct lone *l = lone_new(ROLE_RELAY);
 *     lone_set(l, "relay.port", "2525");
 *     lone_peer(l, ROLE_RESOLVER, &handlers, NULL);     or nobody: calls to it say -EPIPE
 *     lone_open(l);
 *     ...                                               its calls: l->process.role->work->handlers
 *     lone_end(l);
 *
 * The body of a REAL_FIBER_TEST is its main fiber.
 */
#pragma once

#include "unit.h"

#include "proc/process_inside.h"
#include "role/roles.h"

struct lone {
    struct process process;
    struct process_links links;
    struct conf *conf; /* for lone_set(), and for tests that set members */
    struct rpc_link *fakes[ROLES];
    struct buf told; /* "kind: sentence\n" */
};

struct lone *lone_new(enum role role);
void lone_set(struct lone *l, const char *setting, const char *value);

/* Puts a role at the other end; one that was there has died. */
void lone_peer(struct lone *l, enum role role, const void *handlers, void *arg) WAITS;
void lone_kill_peer(struct lone *l, enum role role) WAITS;

/* Opens with the settings so far, or reloads them; 0 or negative with a sentence. */
int lone_try_open(struct lone *l, struct problem *problem) WAITS;
void lone_open(struct lone *l) WAITS;
int lone_reload(struct lone *l, struct problem *problem) WAITS;

/* Waits for what is on its way to the event log; whether a sentence was among it. */
bool lone_has_told(struct lone *l, const char *part) WAITS;

/* Waits until only so many fibers are left: what is over has to go, not only at the end. */
unsigned lone_fibers(void);
bool lone_comes_down_to(unsigned fibers) WAITS;

void lone_end(struct lone *l) WAITS;
