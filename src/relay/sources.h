/* SPDX-License-Identifier: ISC */
/*
 * The addresses from which mail leaves, one of each family, and whether other hosts will find us in
 * order behind them: the address has a name that leads back to it (PTR, RFC 8601 §3), and the name
 * in our EHLO leads to it. Large receivers refuse what comes from another one, now and then, and
 * nobody falls back to the other family by himself.
 *
 * Which address it is shows the first connection to a host of the outside. It is judged before the
 * next one, and again after a day (an hour where DNS gave no answer). An address that is not of the
 * outside (NAT) says nothing.
 */
#pragma once

#include "dns/client.h"
#include "io/net.h"

struct sources;

struct sources *sources_new(const struct dns_client *dns, struct slice helo); /* both borrowed */
void sources_free(struct sources *s);                                         /* NULL is fine */

/* A connection to a host of the outside left from here. */
void sources_note(struct sources *s, const struct net_addr *local);

/* Judges what is to be judged; the others go on meanwhile with what was known. 0 or -ECANCELED. */
int sources_judge(struct sources *s) WAITS;

/*
 * Whether to leave out the addresses of a family (AF_INET, AF_INET6): it is not in order, and the
 * other one is. `ret_why` is a sentence for the journey, borrowed until the next judgement.
 */
bool sources_leave_out(const struct sources *s, int family, struct slice *ret_why);
