/* SPDX-License-Identifier: ISC */
/*
 * Hosts that have shown a fault, so that the next tries make allowance for it for a while: TLS that
 * fails (RFC 7435: TLS that nobody asked for must not keep a letter back), replies that come too
 * many. One memory for each fault. Pure: time is passed in.
 */
#pragma once

#include "io/net.h"

/* Longer than the longest wait between two attempts as the settings have it unless changed. */
#define HOST_MEMORY_FOR (6 * USEC_HOUR)
#define HOST_MEMORY_MAX 1000U /* hosts remembered; the oldest makes room */

struct host_memory;

struct host_memory *host_memory_new(void);
void host_memory_free(struct host_memory *p);

void host_memory_add(struct host_memory *p, const struct net_addr *host, usec_t now);
void host_memory_remove(struct host_memory *p, const struct net_addr *host); /* it was not that */
bool host_memory_has(struct host_memory *p, const struct net_addr *host, usec_t now);
