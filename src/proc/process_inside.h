/* SPDX-License-Identifier: ISC */
/*
 * The inside of a process, for the files of struct process only.
 */
#pragma once

#include "proc/process.h"

struct process_links {
    struct rpc_link *master;
    struct shared_settings *settings; /* in force */
    struct rpc_link *peers[ROLES][PROCESS_WORKERS_MAX];
    unsigned workers[ROLES];
    struct task *task; /* for the main fiber; NULL: none */
    struct fiber_cond task_given, task_done;
    struct fiber_mutex reloading; /* one at a time is handed something */
    bool opened, going, stop;
    struct buf early;                /* struct early_event; until it goes */
    const struct rpc_link *replaced; /* the link that is just being given a new connection */
    uint64_t dropped_events;
};

/* Events of the time before the process was linked. */
void process_send_early_events(struct process *p);

/* Puts the settings of the text in force; negative with a sentence, and nothing has changed. */
int process_settings_read(struct process *p, struct slice text, struct problem *problem);

/* The same for a role that works already, which may refuse them. */
int process_settings_reload(struct process *p, struct slice text, struct problem *problem) WAITS;
