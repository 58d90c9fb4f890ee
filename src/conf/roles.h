/* SPDX-License-Identifier: ISC */
/*
 * The roles of the server: one process (or several) each. See docs/architecture.md.
 *
 * This is the one list of them: by it settings say who gets them, the schema of calls
 * (rpc/schema.rpc) who makes and answers them, commands which there are; tests and scripts read it,
 * too (tests/roles.py). What a role is and may is its row in role/roles.c.
 */
#pragma once

#include <stdint.h>

enum role {
    ROLE_MASTER,
    ROLE_EDGE,
    ROLE_DIRECTORY,
    ROLE_KEYS,
    ROLE_QUEUE,
    ROLE_RELAY,
    ROLE_RESOLVER,
    ROLE_FETCHER,
    ROLE_MAIL,
    ROLE_EVENTS,
    ROLE_SCAN,

    ROLE_CLI, /* a command of the postmaster, connected through a socket in the state directory */
    ROLE_PROCESS, /* what every process answers its master */
    ROLES,
};

#define ROLE_PROCESSES ROLE_CLI /* those before it are processes */

#define ROLE_BIT(role) (UINT32_C(1) << (role))

const char *role_name(enum role role); /* "edge", as the schema writes it */

/* The names of those that are processes, ended by NULL. */
extern const char *const role_processes[ROLE_PROCESSES + 1];
