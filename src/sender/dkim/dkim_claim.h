/* SPDX-License-Identifier: ISC */
/*
 * Whether a text was signed by who is said to have signed it: the part that DKIM-Signature,
 * ARC-Message-Signature and ARC-Seal have in common.
 */
#pragma once

#include "sender/dkim/dkim.h"

struct dkim_claim {
    enum dkim_algorithm algorithm;
    struct slice domain, selector;
    struct slice identity;       /* i=; empty: there is none */
    struct slice signature;      /* bytes */
    const unsigned char *digest; /* SHA-256 of the text that was signed */
};

/*
 * Asks for the key and verifies. Writes result, why, bits, testing and name of the outcome:
 * DKIM_PASS, or what stands in the way. 0 or -ECANCELED.
 */
int dkim_claim_check(const struct dkim_claim *claim, const struct dns_client *dns, struct arena *a,
                     struct dkim_outcome *ret) WAITS;
