/* SPDX-License-Identifier: ISC */
/* Keys that sign in tests, and their records. */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "sender/dkim/dkim_body.h"
#include "sender/signing.h"
#include "unit.h"

static inline struct slice key_record(struct arena *a, EVP_PKEY *key, const char *tags) {
    _cleanup_(buf_done) struct buf text = {0};
    unsigned char raw[32], *der = NULL;
    size_t len = sizeof raw;
    buf_add_str(&text, tags);
    if (EVP_PKEY_is_a(key, "RSA")) {
        int size = i2d_PUBKEY(key, &der);
        assert_true(size > 0);
        base64_encode(&text, slice_of(der, (size_t)size));
        OPENSSL_free(der);
    } else {
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
        base64_encode(&text, slice_of(raw, len));
    }
    return arena_copy(a, buf_slice(&text));
}

static inline struct slice sign_digest(struct arena *a, EVP_PKEY *key,
                                       const unsigned char digest[static DIGEST_LEN]) {
    struct slice signature = S("");
    assert_int_equal(signing_sign(key, digest, a, &signature), 0);
    return signature;
}

static inline void hash_body(struct slice body, bool relaxed, uint64_t length,
                             unsigned char hash[static DIGEST_LEN]) {
    uint64_t beyond;
    struct dkim_body *b = dkim_body_new(relaxed, length);
    dkim_body_add(b, body);
    dkim_body_end(b, hash, &beyond);
    dkim_body_free(b);
}
