/* SPDX-License-Identifier: ISC */
/*
 * The ports and control sockets: bound by the master, served by other processes.
 */
#pragma once

#include "conf/conf.h"
#include "conf/roles.h"
#include "proc/process.h"

#define LISTEN_ADDRESSES_MAX 16U
#define LISTEN_PORTS_MAX     8U /* of all doors, at each address */
#define LISTENERS_MAX        (LISTEN_ADDRESSES_MAX * LISTEN_PORTS_MAX + ROLES + PROCESS_WORKERS_MAX)

struct listener {
    const char *service; /* "smtp", "pop3s", "control" ... */
    enum role role;      /* who serves it */
    int worker;          /* which one of the role; -1: all, of a port */
    struct net_addr at;  /* of a port */
    int fd;
};

struct listeners {
    struct listener list[LISTENERS_MAX];
    size_t count;
};

/*
 * Binds every port of every address of the settings, taking the sockets that systemd passed
 * (LISTEN_FDS) for these addresses instead of binding anew. -E_REFUSED: it passed one for another
 * address; -E_LIMIT: more than LISTEN_ADDRESSES_MAX. An address family that the machine lacks is
 * left out as long as one address works.
 */
int listeners_open_ports(struct listeners *l, const struct conf *conf, struct problem *problem);

/* Binds run/ROLE.sock for each role that answers the command line; run/ROLE-WORKER.sock for each
 * process of a role that has several. */
int listeners_open_control(struct listeners *l, const struct conf *conf, const char *directory,
                           struct problem *problem);

/* The name of such a socket below the state directory. */
#define LISTENERS_CONTROL_NAME 32
void listeners_control_name(enum role role, unsigned worker,
                            char name[static LISTENERS_CONTROL_NAME]);

/*
 * Makes a socket listen that does so no longer: all processes that serve it can shut it down for
 * the others, and for us.
 */
int listeners_revive(const struct listener *l);

void listeners_close(struct listeners *l);
