/* SPDX-License-Identifier: ISC */
/*
 * The records that a postmaster publishes for the host's name and for each domain, and what DNS
 * says of each now (cmd_dns.c, check_domain.c).
 */
#pragma once

#include "cli/host/check_dns.h"

enum dns_purpose { FOR_ADDRESS, FOR_PTR, FOR_MX, FOR_SPF, FOR_DKIM, FOR_DMARC };

enum dns_state {
    DNS_NOT_ASKED,
    DNS_RIGHT,     /* it is there, or something that does the same */
    DNS_MISSING,   /* there is none of its kind */
    DNS_DIFFERENT, /* there is another one */
    DNS_UNKNOWN,   /* it cannot be tested from here */
};
const char *dns_state_name(enum dns_state state); /* "right": for programs */

struct dns_wanted {
    enum dns_purpose purpose;
    struct slice name; /* without a dot at its end */
    const char *type;  /* "MX" */
    struct slice
        value; /* of TXT without quotes; ptr NULL: the public address, which is not known */
    enum dns_state state;
    struct slice found; /* DNS_DIFFERENT: what DNS has; DNS_UNKNOWN: why, for people */

    /* FOR_DKIM */
    struct slice domain, selector;
    bool signs; /* it is in use */
    bool left;  /* it is not any more, and stays until its last messages have arrived */
    bool seen;  /* the keys role knows that DNS shows it */
};

struct dns_records {
    const struct check_dns *d;
    struct rpc_link *keys; /* to the keys role; NULL: the server does not run, DKIM is left out */
    bool asks;             /* DNS, about each */
    struct dns_wanted *list;
    size_t count, room;

    struct net_addr senders[CHECK_ADDRESSES]; /* of this host: dns_records_begin() */
    size_t sender_count;
};

/* Finds the addresses of this host; members before `list` are set. */
void dns_records_begin(struct dns_records *r) WAITS;

/* Appends what the host's name needs, or a domain. Negative: the keys role does not answer. */
int dns_records_host(struct dns_records *r, struct problem *problem) WAITS;
int dns_records_domain(struct dns_records *r, struct slice domain, struct problem *problem) WAITS;

/* The same of DKIM and DMARC alone; needs no addresses. */
int dns_records_author(struct dns_records *r, struct slice domain, struct problem *problem) WAITS;

/* Tells the keys role which keys DNS shows; 0, or the first error. */
int dns_records_tell(const struct dns_records *r, struct problem *problem) WAITS;
