/* SPDX-License-Identifier: ISC */
/*
 * The service of systemd that a server runs as, and the one that the package has laid down.
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "role/master/proc_info.h"

struct unit {
    char name[PROC_UNIT_SIZE]; /* "hayauma.service" */
    struct slice triggers;     /* units that would start it again, by single spaces; or empty */
};

/*
 * Whether systemd has started this process as the main one of a service. A server that somebody
 * started by hand may be in a service, too: that of the login, or of cron. Asks systemctl(1).
 */
bool unit_of(pid_t pid, struct arena *a, struct unit *ret);

/* hayauma.service and hayauma.socket, as systemctl show tells them. */
struct unit_package {
    struct slice directory; /* of -C in ExecStart */
    struct slice active;    /* "active", "activating", "failed", "inactive" */
    bool enabled;
    bool socket_enabled;
    bool socket_active;
    bool makes_directory; /* StateDirectory is set */
};

/* Asks systemctl(1). False: there is no systemd, or no such unit. */
bool unit_of_package(struct arena *a, struct unit_package *ret);

/* What systemctl show has said of both. */
bool unit_package_read(struct slice text, struct unit_package *ret);

/* The same if it is the one for a server with this state directory. */
bool unit_for(const char *directory, struct arena *a, struct unit_package *ret);

/* Has systemd stop it, with its triggers; systemctl's own words go to stderr. -EIO. */
int unit_stop(const struct unit *u, struct arena *a, struct problem *problem);
