/* SPDX-License-Identifier: ISC */
#include "role/roles.h"

#include <stddef.h>

/* Events outlive all who report them; the edges, which let work in, come last and go first. */
const struct process_role all_roles[] = {
    {
        .role = ROLE_EVENTS,
        .user = PROCESS_USER_MAIL,
        .directory = "events",
        .rights = CONFINE_FILES,
        .given = GIVEN_LOG,
        .reloads = true,
        .work = &role_events,
    },
    {
        .role = ROLE_KEYS,
        .user = PROCESS_USER_VAULT,
        .directory = "keys",
        .rights = CONFINE_FILES,
        .given = GIVEN_CERTIFICATE,
        .reloads = true,
        .work = &role_keys,
    },
    {
        .role = ROLE_DIRECTORY,
        .user = PROCESS_USER_VAULT,
        .directory = "directory",
        .rights = CONFINE_FILES,
        .given = GIVEN_SECRET | GIVEN_LAST_ACCOUNT,
        .work = &role_directory,
    },
    {
        .role = ROLE_RESOLVER,
        .user = PROCESS_USER_EDGE,
        .rights = CONFINE_CONNECT,
        .given = GIVEN_RESOLVER_FILES,
        .reloads = true,
        .faces_outside = true,
        .work = &role_resolver,
    },
    {
        .role = ROLE_FETCHER,
        .user = PROCESS_USER_EDGE,
        .rights = CONFINE_CONNECT,
        .given = GIVEN_AUTHORITIES,
        .reloads = true,
        .faces_outside = true,
        .work = &role_fetcher,
    },
    {
        .role = ROLE_MAIL,
        .user = PROCESS_USER_MAIL,
        .workers = offsetof(struct conf, workers.mail),
        .directory = "accounts",
        .rights = CONFINE_FILES,
        .given = GIVEN_SECRET,
        .work = &role_mail,
    },
    {
        .role = ROLE_RELAY,
        .user = PROCESS_USER_EDGE,
        .workers = offsetof(struct conf, workers.relay),
        .rights = CONFINE_CONNECT,
        .given = GIVEN_PASSWORDS | GIVEN_AUTHORITIES,
        .faces_outside = true,
        .work = &role_relay,
    },
    {
        .role = ROLE_QUEUE,
        .user = PROCESS_USER_MAIL,
        .directory = "spool",
        .rights = CONFINE_FILES,
        .work = &role_queue,
    },
    {
        .role = ROLE_SCAN,
        .user = PROCESS_USER_EDGE,
        .workers = offsetof(struct conf, workers.scan),
        .faces_outside = true,
        .work = &role_scan,
    },
    {
        .role = ROLE_EDGE,
        .user = PROCESS_USER_EDGE,
        .workers = offsetof(struct conf, workers.edge),
        .reloads = true, /* its certificate */
        .faces_outside = true,
        .work = &role_edge,
    },
    {.work = NULL},
};
_Static_assert(ARRAY_SIZE(all_roles) == ROLE_ROWS + 1, "roles.h says how many there are");

const struct process_role *roles_find(enum role role) {
    for (const struct process_role *r = all_roles; r->work; r++) {
        if (r->role == role)
            return r;
    }
    return NULL;
}

unsigned roles_workers(const struct process_role *role, const struct conf *conf) {
    unsigned n = 1;
    if (role->workers > 0)
        memcpy(&n, (const char *)conf + role->workers, sizeof n);
    return MIN(MAX(n, 1U), PROCESS_WORKERS_MAX);
}
