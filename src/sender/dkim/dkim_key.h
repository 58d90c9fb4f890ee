/* SPDX-License-Identifier: ISC */
/* Keys of DKIM as they stand in DNS (RFC 6376 §3.6.1, RFC 8463), and what they verify. */
#pragma once

#include <openssl/evp.h>

#include "base/slice.h"
#include "sender/digest.h"

#define DKIM_RSA_MIN 1024U /* bits, RFC 8301 §3.2; shorter ones are not believed */
#define DKIM_RSA_MAX 4096U /* longer ones are not computed with */

enum dkim_key_type { DKIM_RSA, DKIM_ED25519 };

struct dkim_key {
    enum dkim_key_type type;
    EVP_PKEY *key;
    unsigned bits;
    bool testing;   /* t=y: the domain is trying it out */
    bool same_only; /* t=s: i= has to be of the domain itself */
};

/* Whether the text of a TXT record may be a key: others stand beside it at times. */
bool dkim_key_is(struct slice text);

/*
 * Reads one. NULL: `ret` is the caller's, dkim_key_done(); else why it cannot be used, in a few
 * words, and `ret_is_policy`: it is a key that is not believed.
 */
const char *dkim_key_read(struct slice text, struct dkim_key *ret, bool *ret_is_policy);

/* Whether two records have the same key, however they are written; false also for what is none. */
bool dkim_key_same(struct slice one, struct slice other);

/* Of the zero value, too. */
void dkim_key_done(struct dkim_key *k);

/* Whether it is the signature of a text, of which this is the SHA-256. */
bool dkim_key_verifies(const struct dkim_key *k, struct slice signature,
                       const unsigned char digest[static DIGEST_LEN]);
