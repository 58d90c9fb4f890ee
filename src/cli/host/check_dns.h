/* SPDX-License-Identifier: ISC */
/*
 * What the checks of DNS share (check_dns.c, check_domain.c).
 */
#pragma once

#include "cli/host/check.h"
#include "dns/client.h"
#include "io/net.h"

#define CHECK_ADDRESSES 16U

struct check_dns {
    struct check *k;
    struct dns_client client;
    usec_t until;                         /* when there has been enough of asking */
    struct net_addr own[CHECK_ADDRESSES]; /* that this host has itself, without loopback */
    size_t own_count;
    struct net_addr named[CHECK_ADDRESSES]; /* to which its name leads */
    size_t named_count;
};

/* Those of the network interfaces, without loopback; their number. */
size_t check_own_addresses(struct net_addr ret[static CHECK_ADDRESSES]);

bool check_has_address(const struct net_addr *list, size_t count, const struct net_addr *a);
bool check_is_private(const struct net_addr *a); /* cannot be reached from elsewhere */

/*
 * The addresses of a name, at most CHECK_ADDRESSES. Their number, or negative when DNS has not
 * answered: then `ret_why` says why.
 */
int check_addresses(const struct check_dns *d, struct slice name, struct net_addr *ret,
                    struct slice *ret_why) WAITS;

/* Why a question has no answer; empty: it has one, or the name or the records are not there. */
struct slice check_no_answer(int result, const struct dns_answer *answer);

/* The host that takes all mail for which no closer route is set; empty: there is none. */
struct slice check_way_out(const struct conf *conf);

/*
 * The addresses from which our mail reaches others, as far as they can be known from here; at most
 * CHECK_ADDRESSES. Their number.
 */
size_t check_senders(const struct check_dns *d, struct net_addr *ret) WAITS;

/* MX, SPF, DKIM and DMARC of each domain, the last two of the host's name too. */
void check_domains(const struct check_dns *d) WAITS;
