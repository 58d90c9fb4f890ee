/* SPDX-License-Identifier: ISC */
#include "sender/signing.h"

#include <openssl/err.h>

#include "base/error.h"

#define SIGNATURE_MAX 1024U /* bytes: RSA of 8192 bits */

int signing_sign(EVP_PKEY *key, const unsigned char digest[static DIGEST_LEN], struct arena *a,
                 struct slice *ret) {
    unsigned char bytes[SIGNATURE_MAX];
    size_t len = sizeof bytes;
    bool signed_it;
    if (EVP_PKEY_is_a(key, "RSA")) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
        signed_it = c && EVP_PKEY_sign_init(c) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
                    EVP_PKEY_sign(c, bytes, &len, digest, DIGEST_LEN) == 1;
        EVP_PKEY_CTX_free(c);
    } else {
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        signed_it = c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
                    EVP_DigestSign(c, bytes, &len, digest, DIGEST_LEN) == 1;
        EVP_MD_CTX_free(c);
    }
    ERR_clear_error();
    if (!signed_it)
        return -E_CORRUPT;
    *ret = arena_copy(a, slice_of(bytes, len));
    return 0;
}
