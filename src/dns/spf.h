/* SPDX-License-Identifier: ISC */
/*
 * Whether the SPF record of a domain lets an address send (RFC 7208, check_host()), for a domain
 * that we look after ourselves: `hayauma check`. Macros and ptr, which no such domain needs, are
 * not followed; a record that comes to one has the outcome SPF_UNKNOWN.
 */
#pragma once

#include "dns/client.h"
#include "io/net.h"

enum spf_result {
    SPF_NONE, /* no record */
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR, /* DNS does not answer */
    SPF_PERMERROR, /* the record is wrong, or asks DNS more than ten times (§4.6.4) */
    SPF_UNKNOWN,
};

/* A result whatever it is. `ret_record` is the domain's own record, empty for SPF_NONE. */
enum spf_result spf_check(const struct dns_client *dns, struct slice domain,
                          const struct net_addr *addr, struct arena *a,
                          struct slice *ret_record) WAITS;
