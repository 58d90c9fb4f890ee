/* SPDX-License-Identifier: ISC */
/*
 * DNS for commands: the resolver process while the server runs, which has a cache and is what
 * messages go by; else the same library in this program, with the same settings.
 */
#pragma once

#include "cli/cli.h"
#include "dns/client.h"

struct lookup;

/* The settings must be there. */
int lookup_open(struct cli *c, struct lookup **ret, struct problem *problem) WAITS;
void lookup_close(struct lookup *l) WAITS; /* NULL is fine */
DEFINE_CLEANUP(struct lookup, lookup_close, WAITS)

struct dns_client lookup_client(struct lookup *l); /* until it is closed */
