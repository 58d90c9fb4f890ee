/* SPDX-License-Identifier: ISC */
/*
 * What TLS was like with the mail hosts of other domains, day by day (UTC), until it is reported
 * (RFC 8460 §4). In memory, and bounded: a restart forgets it. Pure.
 */
#pragma once

#include "reports/tlsrpt.h"

/* Of a day; what goes beyond is not counted, or, of failures, only as a number. */
#define TLS_TALLY_DOMAINS  5000U
#define TLS_TALLY_POLICIES 4U  /* of a domain */
#define TLS_TALLY_FAILURES 50U /* kinds of them, of a policy */

/* One session, or one attempt at it. */
struct tls_session {
    struct slice policy;  /* "sts", "tlsa", "no-policy-found" */
    struct slice strings; /* the policy itself, lines; may be empty */
    struct slice result;  /* empty: a success; else a type of failure (§4.3) */
    struct slice host, address, reason;
};

struct tls_tally;

struct tls_tally *tls_tally_new(void);
void tls_tally_free(struct tls_tally *t); /* NULL is fine */
DEFINE_CLEANUP(struct tls_tally, tls_tally_free)

void tls_tally_add(struct tls_tally *t, struct slice domain, usec_t wall,
                   const struct tls_session *session);

/*
 * Takes out what is known of one domain and a day that is over. False: there is none any more. The
 * report has days and policies, in the arena; the rest of it is the caller's to say.
 */
bool tls_tally_take(struct tls_tally *t, usec_t wall, struct arena *a, struct slice *ret_domain,
                    struct tlsrpt_report *ret);
