/* SPDX-License-Identifier: ISC */
/*
 * Making the set of a message that goes on from here (RFC 8617 §5.1): its three fields, of which
 * two are signed by a key that is somewhere else (dkim_sign.h).
 *
 *     arc_seal_new(&sealing, header, &digest)      sign the digest, then
 *     arc_seal_message(seal, signature, &digest)   the same, then
 *     arc_seal_end(seal, signature, &set)          the fields, to be put on top of the header
 */
#pragma once

#include "sender/arc/arc.h"
#include "sender/dkim/dkim_sign.h"

struct arc_sealing {
    enum dkim_algorithm algorithm;
    struct slice domain, selector; /* canonical */
    int64_t now;
    struct slice results;           /* what Authentication-Results has behind its name, folded */
    const unsigned char *body_hash; /* of the relaxed form */
    enum arc_result chain;          /* what was found of the sets that are there */
};

struct arc_seal;

/*
 * `header` stays until the end. -E_REFUSED: the chain was said to be broken by the last sealer, so
 * nobody seals it again (§5.1.2), or it has fifty sets; nothing is made then.
 */
int arc_seal_new(const struct arc_sealing *sealing, struct slice header,
                 unsigned char digest[static DIGEST_LEN], struct arc_seal **ret);

void arc_seal_message(struct arc_seal *s, struct slice signature,
                      unsigned char digest[static DIGEST_LEN]);

/* Appends the fields. */
void arc_seal_end(struct arc_seal *s, struct slice signature, struct buf *to);

void arc_seal_free(struct arc_seal *s); /* NULL is fine */
