/* SPDX-License-Identifier: ISC */
/*
 * A real name server, NSD, on a free loopback port, as a child of the test.
 */
#pragma once

#include "base/error.h"
#include "io/net.h"

struct nsd {
    pid_t pid;
    char folder[64];
    struct net_addr addr;
};

/* Starts it with one zone; -ENOENT when NSD is not installed. Waits until it answers. */
int nsd_start(struct nsd *n, const char *zone_name, const char *zone_text) WAITS;
void nsd_stop(struct nsd *n); /* ends it and removes its files */
