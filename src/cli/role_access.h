/* SPDX-License-Identifier: ISC */
/*
 * How a command gets at what a role owns: over a link to its process, or, while the server does not
 * run, on its files, with the lock of the state directory. What is done on the files is told to the
 * event log by the command itself.
 */
#pragma once

#include "cli/terminal/enter.h"
#include "journey/event_log.h"
#include "rpc/rpc.h"

struct role_access {
    struct rpc_link *link;  /* or */
    struct entered entered; /* the folder of the role */
    int lock;
    struct event_log *events; /* holds what happens until role_access_report() */
    struct slice hint;        /* of the user, for the process; or */
    struct slice by;          /* the same for the events */
};

void role_access_init(struct cli *c, struct role_access *x);

/* Who has something open in the folder closes it before. */
void role_access_done(struct role_access *x);

/* Begins to hold events; `memory_max` as in event_log_options. */
void role_access_hold_events(struct role_access *x, size_t memory_max);

/*
 * Leaves the folder of the role and writes into the event log what was done on its files; the
 * access is of no more use then. Negative with a sentence when some of it is not told.
 */
int role_access_report(struct cli *c, struct role_access *x, struct problem *problem) WAITS;
