/* SPDX-License-Identifier: ISC */
/*
 * ARC: what those through whose hands a message went have found when it came to them, each in a set
 * of three fields that he sealed together with the sets before (RFC 8617).
 *
 * A chain that is whole says who wrote what, not that it is true: whose word counts is a setting
 * (trusted sealers), and none is by itself.
 */
#pragma once

#include "sender/dkim/dkim_body.h"
#include "sender/dkim/dkim_signature.h"

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };

const char *arc_result_name(enum arc_result result); /* "pass"; of a temperror, "temperror" */

#define ARC_SETS_MAX 50U /* §4.2.1 */

/* One set, as its sealer says. */
struct arc_set {
    struct slice domain, selector; /* of the seal */
    struct slice results;          /* ARC-Authentication-Results, behind "i=N;" */
};

struct arc_outcome {
    enum arc_result result;
    const char *why;      /* N_() words; NULL: none or pass */
    unsigned instance;    /* of the set that is wrong, or that DNS failed for; 0: of none */
    struct slice name;    /* that DNS did not answer: ARC_TEMPERROR */
    struct arc_set *sets; /* of a whole chain, from the first on */
    size_t count;
};

struct arc_verifier;

/* As dkim_verifier_new() and those after it. */
struct arc_verifier *arc_verifier_new(struct slice header, int64_t now);
void arc_verifier_free(struct arc_verifier *v);
bool arc_verifier_wants_body(const struct arc_verifier *v);
void arc_verifier_add(struct arc_verifier *v, struct slice chunk);
int arc_verifier_end(struct arc_verifier *v, const struct dns_client *dns, struct arena *a,
                     struct arc_outcome *ret) WAITS;
