/* SPDX-License-Identifier: ISC */
/* The addresses of a host of the outside; for fetch.c only. */
#pragma once

#include "fetch/fetch.h"

#define FETCH_ADDRESSES_MAX 4U /* tried of one host */

/*
 * Looks up the addresses that may be connected to, of IPv6 and IPv4 in turns. 0, or an error of
 * fetcher_get() with its sentence.
 */
int fetch_addresses(const struct fetcher_options *options, struct slice host, struct arena *a,
                    struct net_addr ret[static FETCH_ADDRESSES_MAX], size_t *ret_count,
                    struct problem *problem) WAITS;
