/* SPDX-License-Identifier: ISC */
/*
 * The roles of the server: what each process is. Each is wired together in a file of its own
 * from the floors below; here they are only named.
 */
#pragma once

#include "proc/process.h"

extern const struct process_role role_edge, role_directory, role_keys, role_queue, role_relay,
    role_resolver, role_mail, role_events;

/* All of them, ended by NULL. */
extern const struct process_role *const all_roles[];
