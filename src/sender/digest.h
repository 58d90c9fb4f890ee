/* SPDX-License-Identifier: ISC */
/*
 * SHA-256 by OpenSSL. Memory that it does not get ends the process, as any other does
 * (base/alloc.h); nothing else can fail.
 */
#pragma once

#include <openssl/evp.h>

#include "base/slice.h"

#define DIGEST_LEN 32U

EVP_MD_CTX *digest_begin(void); /* EVP_MD_CTX_free() */
void digest_add(EVP_MD_CTX *hash, struct slice bytes);
void digest_end(EVP_MD_CTX *hash, unsigned char ret[static DIGEST_LEN]);

/* Of what was added so far: each of the two goes on by itself. */
EVP_MD_CTX *digest_copy(const EVP_MD_CTX *hash);

void digest_of(struct slice bytes, unsigned char ret[static DIGEST_LEN]);
