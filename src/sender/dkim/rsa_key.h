/* SPDX-License-Identifier: ISC */
/*
 * A public key of RSA out of DER: a SubjectPublicKeyInfo (RFC 5280 §4.1), as keys of DKIM are
 * published, or an RSAPublicKey (RFC 8017 §A.1.1), as RFC 6376 has it. OpenSSL's own reader, which
 * asks all its decoders, takes several times as long as verifying a signature.
 */
#pragma once

#include <openssl/evp.h>

#include "base/slice.h"

#define RSA_KEY_BITS_MAX 16384U /* longer numbers are not looked at */

/* EVP_PKEY_free(); NULL: it is none, or has anything behind it. Strict DER but for zeros in front
 * of a number. */
EVP_PKEY *rsa_key_read(struct slice der);
