/* SPDX-License-Identifier: ISC */
/*
 * The resolver role's engine: answers DNS questions with libunbound, which asks given servers or
 * finds its way from the root itself, validates (DNSSEC) and caches. Questions asked by several at
 * once are asked once. Answers are also kept here for their time: a cached answer of the library
 * costs 28 µs and two thread switches, one kept here 0.3 µs.
 *
 *     resolver_new(&options, &resolver, &problem);     in a fiber; takes some ms
 *     resolver_drive(resolver);                        in another fiber, until cancelled
 *     resolver_query(resolver, name, type, arena, &answer);
 *
 * resolver_new() starts the library's one thread, which does its network work. What it opens
 * (openssl.cnf, OpenSSL's certificates, nsswitch.conf, services, protocols) it can do without: it
 * works in an empty root as nobody. It should be called after the process was confined, since
 * Landlock binds only the calling thread and those it starts; a filter must allow thread creation,
 * and refuse files with an errno, not a signal. Later needed: socket, bind, connect, send and
 * receive on UDP and TCP, epoll, futex, memory, time, random numbers.
 */
#pragma once

#include "dns/client.h"
#include "io/net.h"

struct resolver;

struct resolver_options {
    /* Ask these. None: find the way from the root servers. */
    const struct net_addr *servers;
    size_t server_count;

    /* DS or DNSKEY records, one on a line, as in /usr/share/dns/root.key. Empty: no validation. */
    struct slice trust_anchors;

    /* Domains that are not validated, for private zones below a signed one. */
    const struct slice *insecure;
    size_t insecure_count;

    unsigned parallel;      /* questions under way at once; more wait their turn */
    unsigned share;         /* of them for names of one operator: shares.h */
    usec_t timeout;         /* of one question: DNS_TIMEOUT */
    unsigned cache_entries; /* answers kept here */
    unsigned cache_mib;     /* memory of the library's own cache */
};
#define RESOLVER_DEFAULTS                                                                          \
    {                                                                                              \
        .parallel = 500, .share = 50, .timeout = 20 * USEC_SEC, .cache_entries = 10000,            \
        .cache_mib = 32                                                                            \
    }

int resolver_new(const struct resolver_options *options, struct resolver **ret,
                 struct problem *problem);
void resolver_free(struct resolver *r); /* nobody may wait or drive any more */
DEFINE_CLEANUP(struct resolver, resolver_free)

/* Takes answers from the library. -ECANCELED; another negative number: the library failed. */
int resolver_drive(struct resolver *r) WAITS;

/*
 * Asks. 0 with an answer, whatever its code; -ECANCELED; -E_SYNTAX: not a domain name. The answer
 * is the arena's.
 */
int resolver_query(struct resolver *r, struct slice name, uint16_t type, struct arena *a,
                   struct dns_answer *ret) WAITS;

/* The same as a client, for code in the same process. */
struct dns_client resolver_client(struct resolver *r);

struct resolver_stats {
    uint64_t questions; /* asked of us */
    uint64_t cached;    /* answered from the answers kept here */
    uint64_t joined;    /* waited for the same question of another */
    uint64_t timeouts;
    unsigned asking, queued, kept;
};
void resolver_stats(const struct resolver *r, struct resolver_stats *ret);

/* The name servers of a resolv.conf(5) text, at most `max`; unreadable lines are passed over. */
size_t resolver_read_resolv_conf(struct slice text, struct net_addr *ret, size_t max);
