/* SPDX-License-Identifier: ISC */
/*
 * Hosts that have shown a fault, so that the next tries make allowance for it for a while: TLS that
 * fails (RFC 7435: TLS that nobody asked for must not keep a message back), replies that come too
 * many. Pure: time is passed in.
 *
 * Those who share a memory hold it each; it goes with the last one.
 */
#pragma once

#include "io/net.h"

/* Longer than the longest wait between two attempts as the settings have it unless changed. */
#define HOST_MEMORY_FOR (6 * USEC_HOUR)
#define HOST_MEMORY_MAX 1000U /* hosts remembered for each fault; the oldest makes room */

enum host_fault {
    HOST_FAILS_TLS,
    HOST_HANGS_UP_AT_EHLO,
    HOST_SAYS_FAREWELL,     /* 421 at one recipient of several */
    HOST_SAYS_TOO_MUCH,     /* more than it was asked */
    HOST_BREAKS_PIPELINING, /* which it offers */
    HOST_FAULTS,
};

struct host_memory;

struct host_memory *host_memory_new(void);
struct host_memory *host_memory_hold(struct host_memory *m);
void host_memory_release(struct host_memory *m); /* NULL is fine */

void host_memory_add(struct host_memory *m, enum host_fault fault, const struct net_addr *host,
                     usec_t now);

/* It was not that. */
void host_memory_remove(struct host_memory *m, enum host_fault fault, const struct net_addr *host);

bool host_memory_has(struct host_memory *m, enum host_fault fault, const struct net_addr *host,
                     usec_t now);
