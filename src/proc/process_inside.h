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
    struct fiber_mutex reloading; /* one at a time has the files of struct process */
    bool opened, going, stop;
    struct buf early;                /* struct early_event; until it goes */
    const struct rpc_link *replaced; /* the link that is just being given a new connection */
    uint64_t dropped_events;
};

/* What process.configure and process.reload bring beside the settings, under the same names. */
#define PROCESS_TAKE_FILES(p, in)                                                                  \
    do {                                                                                           \
        (p)->texts = (in)->text_files;                                                             \
        (p)->text_count = (in)->text_files_count;                                                  \
        (p)->log_file = (in)->log_file;                                                            \
        (p)->log_socket = (in)->log_socket;                                                        \
        (p)->certificate = (in)->certificate;                                                      \
        (p)->key = (in)->key;                                                                      \
        (p)->passwords = (in)->passwords;                                                          \
        (p)->authorities = (in)->authorities;                                                      \
    } while (0)

/* Events of the time before the process was linked. */
void process_send_early_events(struct process *p);

/* Closes what the role has not taken of them. */
void process_leave_files(struct process *p);

/* Puts the settings of the text in force; negative with a sentence, and nothing has changed. */
int process_settings_read(struct process *p, struct slice text, struct problem *problem);

/* The same for a role that works already, which may refuse them. */
int process_settings_reload(struct process *p, struct slice text, struct problem *problem) WAITS;
