/* SPDX-License-Identifier: ISC */
/*
 * Making a DKIM signature. The key is somewhere else, and signs a digest of 32 bytes: what comes of
 * RSA is a signature of PKCS #1 over SHA-256, of Ed25519 one of the digest itself (RFC 8463 §3).
 */
#pragma once

#include "base/buf.h"
#include "sender/dkim/dkim.h"
#include "sender/dkim/dkim_body.h"
#include "sender/fields.h"

struct dkim_signing {
    unsigned instance; /* of ARC: the field is ARC-Message-Signature with this i=; 0: of DKIM */
    enum dkim_algorithm algorithm;
    struct slice domain, selector;  /* canonical */
    int64_t now, expires;           /* seconds since 1970 */
    const unsigned char *body_hash; /* of the relaxed form, all of it (dkim_body.h) */
};

/*
 * Which fields are signed: From, To, Cc, Subject, Date and Reply-To that are there once more often
 * than they stand there, so that none can be added (RFC 6376 §8.15); what else readers go by as
 * often as it stands there, since lists and relays add it. Appends the names, with ":" between.
 */
void dkim_sign_names(const struct sender_fields *fields, struct buf *to);

/*
 * Appends the field up to "b=" and gives the digest that is to be signed. `names` are those of
 * dkim_sign_names().
 */
void dkim_sign_begin(const struct dkim_signing *signing, const struct sender_fields *fields,
                     struct slice names, struct buf *field,
                     unsigned char digest[static DIGEST_LEN]);

/* Appends the signature and the line end. */
void dkim_sign_end(struct buf *field, struct slice signature);
