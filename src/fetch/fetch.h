/* SPDX-License-Identifier: ISC */
/*
 * The fetcher role's engine: fetches over HTTPS what a rule allows (rule.h), with libcurl.
 *
 *     fetcher_new(&options, &fetcher, &problem);
 *     fetcher_get(fetcher, FETCH_MTA_STS, domain, S(""), arena, &answer, &problem);   any fiber
 *     fetcher_free(fetcher);                              when none is in it any more
 *
 * The names of others lead here. So the addresses are looked up by our resolver, each is judged
 * (outside.h), and the connection goes to exactly the address that was judged: libcurl asks no DNS,
 * uses no proxy, and follows no redirect. The certificate has to be valid for the name, by the
 * given authorities, with TLS 1.2 or newer. Everything is bounded: bytes of header and body, time,
 * addresses tried, transfers at once.
 */
#pragma once

#include "dns/client.h"
#include "fetch/rule.h"
#include "io/net.h"

struct fetcher;

/* Slices and pointers are borrowed and outlive the fetcher. */
struct fetcher_options {
    struct dns_client dns;
    struct slice authorities;       /* PEM */
    const struct net_range *inside; /* networks of the inside that may be reached all the same */
    size_t inside_count;
    uint16_t port;    /* 443 */
    unsigned at_once; /* transfers; more wait: 64 */
    bool no_ipv4, no_ipv6;
};
#define FETCHER_DEFAULTS                                                                           \
    { .port = 443, .at_once = 64 }

/* -E_SYNTAX: the authorities are none. */
int fetcher_new(const struct fetcher_options *options, struct fetcher **ret,
                struct problem *problem);
void fetcher_free(struct fetcher *f); /* NULL is fine */
DEFINE_CLEANUP(struct fetcher, fetcher_free)

/*
 * Fetches, or hands `sent` over where the rule says so. 0 with the body of the answer, which is the
 * arena's; else a sentence, and
 *     -E_SYNTAX     `what` is nothing for this rule
 *     -E_UNKNOWN    the name has no address
 *     -E_REFUSED    the server's answer is not the one asked for: a status, a redirect, a type
 *     -E_LIMIT      the answer is too long
 *     -E_TLS        no TLS, or the certificate is not right
 *     -ETIMEDOUT    it took too long
 *     -E_TEMPORARY  nobody could be reached; only addresses of the inside
 *     -ECANCELED
 */
int fetcher_get(struct fetcher *f, enum fetch_rule rule, struct slice what, struct slice sent,
                struct arena *a, struct slice *ret_body, struct problem *problem) WAITS;

unsigned fetcher_transfers(const struct fetcher *f); /* under way */
