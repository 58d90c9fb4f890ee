/* SPDX-License-Identifier: ISC */
#include "role/roles.h"

const struct process_role *const all_roles[] = {
    &role_directory, &role_keys,  &role_events, &role_resolver, &role_relay,
    &role_mail,      &role_queue, &role_edge,   NULL,
};
