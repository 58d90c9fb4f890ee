/* SPDX-License-Identifier: ISC */
/*
 * The resolver role as a dns_client: for the relay role and the command line.
 */
#pragma once

#include "dns/client.h"
#include "rpc/calls.h"

/* Asks through `link`, which outlives the client. */
struct dns_client dns_link_client(struct rpc_link *link);
