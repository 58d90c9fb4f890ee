/* SPDX-License-Identifier: ISC */
/*
 * Whether an address is one of the outside: of a host somewhere in the internet, not of this
 * machine, of a private network, of a group, or of a use that never has a public host (the
 * registries of RFC 6890). Somebody else chooses which names are looked up, and so the addresses:
 * what is fetched from an address of the inside would be fetched for him.
 *
 * An IPv4 address in one of IPv6 counts as what it is: mapped (::ffff:0:0/96) and by the well-known
 * prefix of NAT64 (64:ff9b::/96). Ways to hide one that go over hosts of others (6to4, Teredo) are
 * never of the outside.
 */
#pragma once

#include "io/net.h"

bool outside_has(const struct net_addr *a);
