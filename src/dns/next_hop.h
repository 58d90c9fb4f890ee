/* SPDX-License-Identifier: ISC */
/*
 * What can be said about a next hop and a search without asking anybody; for mx.c and
 * host_addresses.c only.
 */
#pragma once

#include "dns/mx.h"

/* "[192.0.2.1]", "[IPv6:2001:db8::1]": brackets around anything. */
bool next_hop_is_literal(struct slice name);

/* The address in the brackets; -E_SYNTAX. */
int next_hop_read_literal(struct slice literal, uint16_t port, struct net_addr *ret);

/* A sentence about a step of the search, for whoever wants to know; made in the arena. */
void PRINTF_LIKE(3, 4)
    next_hop_report(const struct dns_search *search, struct arena *a, const char *format, ...);

bool search_has_own_address(const struct dns_search *search, const struct net_addr *addr);
bool search_has_own_name(const struct dns_search *search, struct slice name);
