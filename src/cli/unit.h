/* SPDX-License-Identifier: ISC */
/*
 * The service of systemd that a server runs as.
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "role/proc_info.h"

struct unit {
    char name[PROC_UNIT_SIZE]; /* "hayauma.service" */
    struct slice triggers;     /* units that would start it again, by single spaces; or empty */
};

/*
 * Whether systemd has started this process as the main one of a service. A server that somebody
 * started by hand may be in a service, too: that of the login, or of cron. Asks systemctl(1).
 */
bool unit_of(pid_t pid, struct arena *a, struct unit *ret);

/* Has systemd stop it, with its triggers; systemctl's own words go to stderr. -EIO. */
int unit_stop(const struct unit *u, struct arena *a, struct problem *problem);
