/* SPDX-License-Identifier: ISC */
/*
 * A backend that keeps accounts in memory: for tests, and to see what a backend has to do, without
 * a disk in the way. A commit is a few assignments, which nothing interrupts; so it is whole or not
 * there, like one that a disk has taken.
 *
 * What is kept outlives the backend: a store may be closed and opened again on the same struct
 * memory. memory_copy() is what a crash would leave at the moment.
 */
#pragma once

#include "store/backend.h"

struct memory;
struct memory *memory_new(void);
struct memory *memory_copy(const struct memory *m);
void memory_free(struct memory *m); /* NULL is fine; no store uses it */

struct memory_options {
    struct memory *memory;
    usec_t key_lifetime; /* delivery keys are remembered at least so long; 0: 10 days */

    size_t vanished_max; /* what vanished is told, so much of it in a mailbox; 0: all */

    /* Called before records are kept; may wait. What is not 0 is the error with which the commit
     * fails. May be NULL. */
    int (*before_commit)(void *arg);
    void *arg;
};

/* For store_options.backend; `options` is a struct memory_options. */
int memory_open(const void *options, const struct backend_host *host, struct store_backend **ret,
                struct problem *problem);
