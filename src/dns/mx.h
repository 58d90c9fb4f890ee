/* SPDX-License-Identifier: ISC */
/*
 * Finding the way: which hosts take the mail of a domain, in which order to try them, and what to
 * tell the sender when there are none (RFC 5321 §5.1, RFC 7505).
 */
#pragma once

#include "dns/client.h"
#include "io/net.h"

#define DNS_HOSTS_MAX          32U /* MX hosts looked at; less preferred ones if none has an address */
#define DNS_HOST_ADDRESSES_MAX 8U /* of one host, per address family */

/* Where messages are to go next: a domain of a recipient, or a smart host. */
struct dns_next_hop {
    struct slice name; /* a domain, a host, or an address literal with its brackets */
    uint16_t port;
    bool no_mx; /* `name` is the host itself: only its addresses are looked up */
};

/* A search; what is zero is not used. */
struct dns_search {
    struct dns_next_hop to;

    /* How we recognise ourselves; an own address with port 0 stands for every port. */
    const struct slice *own_names;
    size_t own_name_count;
    const struct net_addr *own_addresses;
    size_t own_address_count;
    bool loopback_is_own; /* loopback and unspecified addresses too: they lead nowhere else */

    bool no_ipv4, no_ipv6;

    /* Gets one sentence for each step, for the journey. It must not wait. May be NULL. */
    void (*event)(void *arg, struct slice sentence);
    void *event_arg;
};

struct dns_host {
    struct slice name;
    uint16_t preference;
    struct slice canonical;     /* at the end of its aliases; empty: it is none */
    bool secure;                /* the list of hosts and all addresses were validated by DNSSEC */
    bool own;                   /* it is ourselves; never in a result */
    struct net_addr *addresses; /* IPv6 and IPv4 in turns, with the port */
    size_t count;               /* > 0 in a result */
};

enum dns_outcome {
    DNS_FOUND,  /* try the hosts in this order */
    DNS_LATER,  /* temporary: no way known now */
    DNS_NO_WAY, /* permanent: there is none */
};

struct dns_way {
    enum dns_outcome outcome;

    /* Unless found: what to report for each recipient, as "556 5.1.10" and words. The class of the
     * status is 4 or 5 by the outcome. */
    unsigned reply;
    uint16_t subject, detail;
    struct slice words;

    struct dns_host *hosts;
    size_t count;
    struct slice canonical; /* of the domain, at the end of its aliases; empty: it is none */
    bool secure;            /* the list itself was validated by DNSSEC */
};

/*
 * Finds the hosts. Looks up addresses with up to 8 questions at a time. 0 with a way, whatever its
 * outcome; -ECANCELED. The result is the arena's.
 */
int dns_find_hosts(const struct dns_client *client, const struct dns_search *search,
                   struct arena *a, struct dns_way *ret) WAITS;
