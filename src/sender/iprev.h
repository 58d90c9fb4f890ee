/* SPDX-License-Identifier: ISC */
/* Whether the name of a client's address leads back to it (RFC 8601 §3, "iprev"). */
#pragma once

#include "dns/client.h"
#include "io/net.h"

enum iprev_result { IPREV_PASS, IPREV_FAIL, IPREV_TEMPERROR, IPREV_PERMERROR };

const char *iprev_result_name(enum iprev_result result);

#define IPREV_NAMES_MAX 10U

struct iprev_outcome {
    enum iprev_result result; /* IPREV_PERMERROR: the address has no name */
    struct slice name;        /* that leads back; else the first that does not; or empty */
};

/* 0 or -ECANCELED. */
int iprev_check(const struct dns_client *dns, const struct net_addr *client, struct arena *a,
                struct iprev_outcome *ret) WAITS;
