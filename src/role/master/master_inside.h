/* SPDX-License-Identifier: ISC */
/*
 * The inside of the master, for master.c and master_reload.c only.
 */
#pragma once

#include "role/master/children.h"
#include "role/master/master.h"

struct master {
    const struct master_options *options;
    struct conf *conf;
    struct children children;
    usec_t started; /* wall */
    struct fiber_mutex reloading;
    struct fiber_cond stop_asked;
    bool stop;
    int result;
};

/*
 * Reads the settings again, for whoever says `by`; one at a time. 0; -E_REFUSED when not all
 * processes have taken them; or negative, and those in force have not changed. `report`: what has
 * changed, or what is wrong.
 */
int master_reload(struct master *m, struct slice by, struct buf *report) WAITS;

/* Behind the start: what was changed in the settings since they were last read. */
void master_log_changes(struct master *m);

/* The log file for the event log from now on; -1: none. */
void master_use_log_file(struct master *m, int fd);
