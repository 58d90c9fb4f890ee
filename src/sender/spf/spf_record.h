/* SPDX-License-Identifier: ISC */
/* An SPF record as terms (RFC 7208 §12). Pure; linear in time. */
#pragma once

#include "base/arena.h"
#include "io/net.h"
#include "sender/spf/spf.h"

enum spf_mechanism {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_MECHANISMS,
};

struct spf_term {
    enum spf_mechanism mechanism;
    enum spf_result result; /* when it matches, by its qualifier */
    struct slice text;      /* as it stands there */
    struct slice domain;    /* domain-spec, a macro string (spf_macro.h); empty: none is given */
    unsigned bits4, bits6;  /* of SPF_A and SPF_MX */
    struct net_range range; /* of SPF_IP4 and SPF_IP6 */
};

struct spf_record {
    struct spf_term *terms; /* mechanisms only */
    size_t count;
    struct slice redirect, explanation; /* domain-spec; empty: none */
};

/* Whether the text of a TXT record is an SPF record, right or wrong (§4.5). */
bool spf_record_is(struct slice text);

/*
 * Reads one of which that is true. Slices point into the text. -E_SYNTAX: `ret_wrong` is the term
 * that is wrong, and nothing else is written.
 */
int spf_record_read(struct slice text, struct arena *a, struct spf_record *ret,
                    struct slice *ret_wrong);
