/* SPDX-License-Identifier: ISC */
/*
 * The roles of the server: what each process is, a row for each. All that starts, confines, links,
 * feeds and ends processes goes by these rows.
 */
#pragma once

#include "proc/process.h"

/* What they do: each is wired together in a file of its own from the floors below. */
extern const struct process_work role_edge, role_directory, role_keys, role_queue, role_relay,
    role_resolver, role_fetcher, role_mail, role_events, role_scan;

/* In the order in which they are started, ended by a row without work; they end the other way. */
extern const struct process_role all_roles[];
#define ROLE_ROWS 10U

/* Its row. NULL: a role that is no process of its own. */
const struct process_role *roles_find(enum role role);

/* How many processes it has by these settings. */
unsigned roles_workers(const struct process_role *role, const struct conf *conf);
