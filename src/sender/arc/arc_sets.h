/* SPDX-License-Identifier: ISC */
/* The sets of a message's header, found and read (RFC 8617 §4). Pure. */
#pragma once

#include "sender/arc/arc.h"

struct arc_fields {
    const struct sender_field *results, *message, *seal;
    struct dkim_signature signature; /* of the message */
    struct dkim_signature sealed;    /* only what a seal has: algorithm, domain, selector, ... */
    enum { ARC_CV_NONE, ARC_CV_PASS, ARC_CV_FAIL } cv;
};

struct arc_sets {
    struct arc_fields *list; /* set i stands at i - 1 */
    size_t count;
};

/*
 * NULL, with no set or all of them, else what is wrong with the chain in a few words, and
 * `ret_instance`, with which set.
 */
const char *arc_sets_read(const struct sender_fields *fields, struct arena *a, struct arc_sets *ret,
                          unsigned *ret_instance);

/*
 * SHA-256 of what each seal is of, which is all sets up to it (§5.1.1). `ret` has room for as many
 * as there are sets.
 */
void arc_sealed_digests(const struct arc_sets *sets, unsigned char (*ret)[DIGEST_LEN]);

/* The number behind "i=" at the front of ARC-Authentication-Results, and what follows it. */
bool arc_results_read(struct slice value, struct arena *a, unsigned *ret_instance,
                      struct slice *ret_results);
