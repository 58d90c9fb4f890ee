/* SPDX-License-Identifier: ISC */
/*
 * One request to one address, driven by the calling fiber; for fetch.c only, and the only file
 * (with fetch.c's beginning of the library) that meets libcurl.
 *
 * libcurl tells which socket it waits for (CURLMOPT_SOCKETFUNCTION); the fiber waits for that and
 * for libcurl's timer. It may leave bytes in a socket that it has heard of, so before each wait the
 * socket is asked by poll(2): the scheduler tells of changes only.
 */
#pragma once

#include "fetch/fetch.h"
#include "io/tls_lend.h"

struct transfer {
    const struct fetch_bounds *bounds;
    const struct fetch_place *place;
    const struct net_addr *address;
    struct slice sent; /* where the rule hands something over */
    const struct tls_context *authorities;
    usec_t deadline;
};

/*
 * 0 with the body in `ret`, or an error of fetcher_get() with its sentence. `ret_unreached`: no
 * connection came about, so that another address may do.
 */
int transfer_run(const struct transfer *t, struct buf *ret, bool *ret_unreached,
                 struct problem *problem) WAITS;
