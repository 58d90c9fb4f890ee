/* SPDX-License-Identifier: ISC */
#include "conf/roles.h"

#include "base/error.h"

const char *role_name(enum role role) {
    static const char *const names[ROLES] = {
        [ROLE_MASTER] = "master",     [ROLE_EDGE] = "edge",       [ROLE_DIRECTORY] = "directory",
        [ROLE_KEYS] = "keys",         [ROLE_QUEUE] = "queue",     [ROLE_RELAY] = "relay",
        [ROLE_RESOLVER] = "resolver", [ROLE_MAIL] = "mail",       [ROLE_EVENTS] = "events",
        [ROLE_CLI] = "cli",           [ROLE_PROCESS] = "process",
    };
    MUST(role < ROLES);
    return names[role];
}
