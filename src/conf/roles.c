/* SPDX-License-Identifier: ISC */
#include "conf/roles.h"

#include "base/error.h"

const char *const role_processes[ROLE_PROCESSES + 1] = {
    [ROLE_MASTER] = "master",     [ROLE_EDGE] = "edge",       [ROLE_DIRECTORY] = "directory",
    [ROLE_KEYS] = "keys",         [ROLE_QUEUE] = "queue",     [ROLE_RELAY] = "relay",
    [ROLE_RESOLVER] = "resolver", [ROLE_FETCHER] = "fetcher", [ROLE_MAIL] = "mail",
    [ROLE_EVENTS] = "events",     [ROLE_SCAN] = "scan",
};

const char *role_name(enum role role) {
    MUST(role < ROLES);
    return role < ROLE_PROCESSES ? role_processes[role] : role == ROLE_CLI ? "cli" : "process";
}
