/* SPDX-License-Identifier: ISC */
/*
 * DMARC: whether who is named as the author of a message stands behind it, and what his domain
 * wants done if not (RFC 9989).
 *
 * SPF and DKIM have been judged before. A domain that has passed there is aligned with that of the
 * author if both are the same or, in the relaxed mode, belong to the same organizational domain,
 * which a walk up the tree of DNS finds (§4.10).
 */
#pragma once

#include "dns/client.h"
#include "sender/dmarc/dmarc_record.h"

enum dmarc_result {             /* RFC 8601 §2.7.1, RFC 9989 §9.1 */
                    DMARC_NONE, /* the domain has no policy */
                    DMARC_PASS,
                    DMARC_FAIL,
                    DMARC_TEMPERROR, /* DNS failed where it could have changed the outcome */
                    DMARC_PERMERROR, /* there is no author whose domain could be asked */
};

const char *dmarc_result_name(enum dmarc_result result);

#define DMARC_QUERIES_MAX 8U /* of one walk, §4.10 */

/* A domain that DKIM or SPF has something to say of. */
struct dmarc_identifier {
    struct slice domain; /* canonical (domain_canonical()) */
    bool is_spf;
    bool passed;
    bool may_pass; /* not now, but for DNS, which failed */
};

struct dmarc_outcome {
    enum dmarc_result result;
    const char *why;           /* N_() words for DMARC_TEMPERROR and DMARC_PERMERROR; or NULL */
    struct slice domain;       /* of the author */
    struct slice found_at;     /* whose record it is; empty: there is none */
    struct slice organization; /* the organizational domain of the author; empty: not looked for,
                                  or DNS failed above the domain's own record */
    struct slice text;         /* the record */
    struct dmarc_record record;
    enum dmarc_policy published; /* what the record says of the author's domain */
    enum dmarc_policy policy;    /* the same, one step less where it is only tried out (t=y) */
    bool exists;                 /* false: there is no such domain in DNS (RFC 8020) */
    bool dkim_aligned, spf_aligned;
    struct slice name; /* that DNS did not answer: DMARC_TEMPERROR */
};

/*
 * Of one author's domain, canonical. 0 or -ECANCELED. The outcome's slices are the arena's or of
 * what was given.
 */
int dmarc_check(const struct dns_client *dns, struct slice domain,
                const struct dmarc_identifier *identifiers, size_t count, struct arena *a,
                struct dmarc_outcome *ret) WAITS;
