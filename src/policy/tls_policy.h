/* SPDX-License-Identifier: ISC */
/*
 * What TLS is asked of one host before a message is given to it, and why. Policies are judged for
 * the domain of the recipients and each of its hosts (dane.h, ...), the relay obeys them
 * (relay/demand.c), the journey of the message tells them.
 *
 * Several may hold for a domain. Settings come before all; then what the message itself says (RFC
 * 8689); then DANE; then MTA-STS (RFC 8461 §2); then TLS is taken where it is offered (RFC 7435).
 */
#pragma once

#include "base/arena.h"
#include "io/tls.h"

/* Why. */
enum tls_policy_kind {
    TLS_POLICY_OPPORTUNISTIC, /* nobody asks for more */
    TLS_POLICY_SETTINGS,      /* relay.tls, a route, a smart host with a login */
    TLS_POLICY_WAIVED,        /* the message says TLS-Required: No (RFC 8689 §3) */
    TLS_POLICY_REQUIRED,      /* the message demands it (REQUIRETLS, RFC 8689 §2) */
    TLS_POLICY_DANE,          /* RFC 7672 */
    TLS_POLICY_STS,           /* MTA-STS in mode enforce */
    TLS_POLICY_STS_TESTING,   /* MTA-STS in mode testing: nothing fails by it */
    TLS_POLICY_KINDS,
};
const char *tls_policy_word(enum tls_policy_kind kind); /* "DANE", for people */

/* How much, growing from the third on. */
enum tls_demand {
    TLS_DEMAND_OFFERED, /* TLS where it is offered, with any certificate; else plain text */
    TLS_DEMAND_NEVER,   /* plain text always */
    TLS_DEMAND_ANY,     /* never without, with any certificate */
    TLS_DEMAND_NAME,    /* never without, and an authority vouches for one of the names */
    TLS_DEMAND_RECORDS, /* never without, and one of the TLSA records matches */
};

#define TLS_POLICY_NAMES 4U

/* Texts and records are borrowed. Zero value: nobody asks for anything. */
struct tls_policy {
    enum tls_policy_kind kind;
    enum tls_demand demand;
    struct slice server_name;             /* what the host is asked for (SNI); empty: nothing */
    struct slice names[TLS_POLICY_NAMES]; /* one of them has to be in the certificate */
    size_t name_count;
    const struct tls_record *records; /* TLS_DEMAND_RECORDS */
    size_t record_count;
    bool all_the_way; /* the host has to promise the same for its part of the way (REQUIRETLS) */
    struct slice why; /* for people: "example.net is not signed"; may be empty */
};

/* Nothing is sent without TLS. */
static inline bool tls_policy_demands(const struct tls_policy *p) {
    return p->demand >= TLS_DEMAND_ANY;
}

/* For the journey: "DANE: 2 TLSA records at _25._tcp.mx1.example.net". In the arena. */
struct slice tls_policy_text(struct arena *a, const struct tls_policy *p);
