/* SPDX-License-Identifier: ISC */
#include "sender/digest.h"

#include "base/error.h"

EVP_MD_CTX *digest_begin(void) {
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    MUST(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
    return hash;
}

void digest_add(EVP_MD_CTX *hash, struct slice bytes) {
    MUST(EVP_DigestUpdate(hash, bytes.ptr, bytes.len) == 1);
}

void digest_end(EVP_MD_CTX *hash, unsigned char ret[static DIGEST_LEN]) {
    MUST(EVP_DigestFinal_ex(hash, ret, NULL) == 1);
}

EVP_MD_CTX *digest_copy(const EVP_MD_CTX *hash) {
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    MUST(copy && EVP_MD_CTX_copy_ex(copy, hash) == 1);
    return copy;
}

void digest_of(struct slice bytes, unsigned char ret[static DIGEST_LEN]) {
    EVP_MD_CTX *hash = digest_begin();
    digest_add(hash, bytes);
    digest_end(hash, ret);
    EVP_MD_CTX_free(hash);
}
