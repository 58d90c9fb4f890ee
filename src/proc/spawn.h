/* SPDX-License-Identifier: ISC */
/*
 * Starting a process of the server from the running binary: the master's side of process.h.
 */
#pragma once

#include "conf/roles.h"
#include "proc/confine.h"

struct spawn {
    enum role role;
    unsigned worker;
    const char *directory; /* absolute; becomes its root */
    bool change_user;
    uid_t uid;
    gid_t gid;
    int lock; /* kept open by the process as long as it lives; -1: none */
};

/*
 * Starts the process with a clean environment and no descriptors but stderr, the control socket,
 * whose other end is *ret_control, and the lock. 0 or negative errno.
 */
int spawn_process(const struct spawn *s, pid_t *ret_pid, int *ret_control, struct problem *problem);

/* Whether two roles have anything to say to each other: one makes a call that the other answers. */
bool spawn_are_peers(enum role a, enum role b);
