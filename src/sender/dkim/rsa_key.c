/* SPDX-License-Identifier: ISC */
#include "sender/dkim/rsa_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#define DER_INTEGER    0x02
#define DER_BIT_STRING 0x03
#define DER_SEQUENCE   0x30

/* AlgorithmIdentifier of rsaEncryption, with NULL as its parameters. */
static const unsigned char rsa_encryption[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                               0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* The contents of the next value if it is of this kind, which is dropped from the front. */
static bool take(struct slice *der, unsigned char kind, struct slice *ret) {
    size_t at = 2, len;
    if (der->len < 2 || (unsigned char)der->ptr[0] != kind)
        return false;
    len = (unsigned char)der->ptr[1];
    if (len >= 0x80) { /* so many bytes of length; two are enough for what is looked at */
        size_t bytes = len - 0x80;
        if (bytes == 0 || bytes > 2 || der->len < 2 + bytes)
            return false;
        len = 0;
        for (; at < 2 + bytes; at++)
            len = len << 8 | (unsigned char)der->ptr[at];
        if (len < 0x80 || (bytes == 2 && len < 0x100))
            return false;
    }
    if (der->len - at < len)
        return false;
    *ret = slice_of(der->ptr + at, len);
    *der = slice_from(*der, at + len);
    return true;
}

/* What a SubjectPublicKeyInfo of RSA has in it, or the same if it is none. */
static struct slice without_info(struct slice der) {
    struct slice info, algorithm, bits, all = der;
    if (!take(&all, DER_SEQUENCE, &info) || all.len > 0 || !take(&info, DER_SEQUENCE, &algorithm) ||
        !slice_eq(algorithm, slice_of(rsa_encryption, sizeof rsa_encryption)) ||
        !take(&info, DER_BIT_STRING, &bits) || info.len > 0 || bits.len == 0 || bits.ptr[0] != 0)
        return der;
    return slice_from(bits, 1);
}

/* A positive number. */
static BIGNUM *take_number(struct slice *der) {
    struct slice bytes;
    if (!take(der, DER_INTEGER, &bytes) || bytes.len == 0 || bytes.len > RSA_KEY_BITS_MAX / 8 + 1 ||
        (unsigned char)bytes.ptr[0] >= 0x80)
        return NULL;
    return BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
}

static EVP_PKEY *make(const BIGNUM *n, const BIGNUM *e) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        parameters = OSSL_PARAM_BLD_to_param(build);
    if (c && parameters && EVP_PKEY_fromdata_init(c) == 1)
        (void)EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(c);
    ERR_clear_error();
    return key;
}

EVP_PKEY *rsa_key_read(struct slice der) {
    struct slice all = without_info(der), numbers;
    if (!take(&all, DER_SEQUENCE, &numbers) || all.len > 0)
        return NULL;
    BIGNUM *n = take_number(&numbers), *e = n ? take_number(&numbers) : NULL;
    EVP_PKEY *key = e && numbers.len == 0 ? make(n, e) : NULL;
    BN_free(n);
    BN_free(e);
    return key;
}
