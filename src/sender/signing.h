/* SPDX-License-Identifier: ISC */
/* Signing a digest with a private key that is here (sender/dkim/dkim_sign.h). */
#pragma once

#include <openssl/evp.h>

#include "base/arena.h"
#include "sender/digest.h"

/* With RSA or Ed25519. 0, or -E_CORRUPT: the key cannot. */
int signing_sign(EVP_PKEY *key, const unsigned char digest[static DIGEST_LEN], struct arena *a,
                 struct slice *ret);
