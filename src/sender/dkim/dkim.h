/* SPDX-License-Identifier: ISC */
/*
 * DKIM: which domains have signed a message (RFC 6376, 8301, 8463), while it comes.
 *
 *     v = dkim_verifier_new(header, now);
 *     dkim_verifier_add(v, chunk)          of the body, cut anywhere
 *     dkim_verifier_end(v, dns, &arena, &outcomes, &count);
 *     dkim_verifier_free(v);
 *
 * Keys are asked for at the end; each body is hashed once for each form in which a signature wants
 * it.
 */
#pragma once

#include "dns/client.h"

enum dkim_result {            /* RFC 8601 §2.7.1 */
                   DKIM_NONE, /* of a message without a signature */
                   DKIM_PASS,
                   DKIM_FAIL,    /* header or body are not what was signed */
                   DKIM_POLICY,  /* it is right, or may be, and is not believed: a weak key, out of
                                    time, ... */
                   DKIM_NEUTRAL, /* the signature cannot be read */
                   DKIM_TEMPERROR, /* DNS does not give the key now */
                   DKIM_PERMERROR, /* there is no such key, or it cannot be used */
};

const char *dkim_result_name(enum dkim_result result); /* "temperror" */

enum dkim_algorithm { DKIM_NO_ALGORITHM, DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_RSA_SHA1 };

const char *dkim_algorithm_name(enum dkim_algorithm algorithm); /* "rsa-sha256" */

#define DKIM_SIGNATURES_MAX 8U   /* the first ones of a message; others are not looked at */
#define DKIM_NAMES_MAX      500U /* in h= */
#define DKIM_DRIFT          300  /* seconds that another clock may be ahead */

struct dkim_outcome {
    enum dkim_result result;
    const char *why; /* N_() words; NULL: it passed */
    struct slice domain, selector, identity;
    enum dkim_algorithm algorithm;
    unsigned bits;     /* of the key; 0: none was had */
    bool testing;      /* the domain says that it is only trying (t=y) */
    struct slice b;    /* the beginning of its Base64, which tells it from others (RFC 6008) */
    struct slice name; /* that DNS did not answer: DKIM_TEMPERROR */
};

struct dkim_verifier;

/*
 * `header` is that of the message, with line ends CRLF; it may have more behind it, and stays until
 * the end. `now`, seconds since 1970, is when the message came.
 */
struct dkim_verifier *dkim_verifier_new(struct slice header, int64_t now);
void dkim_verifier_free(struct dkim_verifier *v); /* NULL is fine */

/* Whether anything wants the body. */
bool dkim_verifier_wants_body(const struct dkim_verifier *v);
void dkim_verifier_add(struct dkim_verifier *v, struct slice chunk);

/* The outcome of each signature, in their order. 0 or -ECANCELED. */
int dkim_verifier_end(struct dkim_verifier *v, const struct dns_client *dns, struct arena *a,
                      struct dkim_outcome **ret, size_t *ret_count) WAITS;
