/* SPDX-License-Identifier: ISC */
/*
 * The addresses of the hosts of a search, all asked for at once; for mx.c only.
 */
#pragma once

#include "dns/mx.h"

struct host_look_up {
    const struct dns_client *client;
    const struct dns_search *search;
    struct arena *arena;
};

/*
 * Fills in addresses, `own` and `secure` of at most DNS_HOSTS_MAX hosts, and reports what was found
 * of each; `secure`: the list of hosts came by DNSSEC. A host without an address is no error:
 * `ret_failed` counts those that have none for now. -ECANCELED.
 */
int host_addresses_look_up(const struct host_look_up *l, struct dns_host *hosts, size_t count,
                           bool secure, size_t *ret_failed) WAITS;
