/* SPDX-License-Identifier: ISC */
#include "sender/signing.h"

#include <openssl/err.h>

#include "base/error.h"

#define SIGNATURE_MAX 1024U /* bytes: RSA of 8192 bits */

static bool sign_rsa(EVP_PKEY *key, const unsigned char *digest, unsigned char *to, size_t *len) {
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    bool signed_it = c && EVP_PKEY_sign_init(c) == 1 &&
                     EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
                     EVP_PKEY_sign(c, to, len, digest, DIGEST_LEN) == 1;
    EVP_PKEY_CTX_free(c);
    return signed_it;
}

static bool sign_ed25519(EVP_PKEY *key, const unsigned char *digest, unsigned char *to,
                         size_t *len) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool signed_it = c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
                     EVP_DigestSign(c, to, len, digest, DIGEST_LEN) == 1;
    EVP_MD_CTX_free(c);
    return signed_it;
}

int signing_sign(EVP_PKEY *key, const unsigned char digest[static DIGEST_LEN], struct arena *a,
                 struct slice *ret) {
    unsigned char bytes[SIGNATURE_MAX];
    size_t len = sizeof bytes;
    bool signed_it = EVP_PKEY_is_a(key, "RSA") ? sign_rsa(key, digest, bytes, &len)
                                               : sign_ed25519(key, digest, bytes, &len);
    ERR_clear_error();
    if (!signed_it)
        return -E_CORRUPT;
    *ret = arena_copy(a, slice_of(bytes, len));
    return 0;
}
