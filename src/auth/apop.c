/* SPDX-License-Identifier: ISC */
#include "auth/apop.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

static int md5(struct slice stamp, struct slice secret, unsigned char sum[EVP_MAX_MD_SIZE]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned len = 0;
    bool good = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1 &&
                EVP_DigestUpdate(context, stamp.ptr, stamp.len) == 1 &&
                EVP_DigestUpdate(context, secret.ptr, secret.len) == 1 &&
                EVP_DigestFinal_ex(context, sum, &len) == 1 && len * 2 == APOP_DIGEST_LEN;
    EVP_MD_CTX_free(context);
    return good ? 0 : -ENOTSUP;
}

struct slice apop_stamp(struct arena *a, uint64_t number, int64_t wall, struct slice host) {
    return arena_printf(a, "<%016llx.%lld@%.*s>", (unsigned long long)number, (long long)wall,
                        SLICE_ARG(host));
}

int apop_digest(struct slice stamp, struct slice secret, char digest[static APOP_DIGEST_LEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    int r = md5(stamp, secret, sum);
    if (r < 0)
        return r;
    for (size_t i = 0; i < APOP_DIGEST_LEN / 2; i++) {
        digest[2 * i] = digits[sum[i] >> 4];
        digest[2 * i + 1] = digits[sum[i] & 15];
    }
    digest[APOP_DIGEST_LEN] = '\0';
    return 0;
}

int apop_verify(struct slice stamp, struct slice secret, struct slice digest) {
    char want[APOP_DIGEST_LEN + 1];
    char got[APOP_DIGEST_LEN];
    int r = apop_digest(stamp, secret, want);
    if (r < 0)
        return r;
    if (digest.len != APOP_DIGEST_LEN)
        return -E_REFUSED;
    for (size_t i = 0; i < APOP_DIGEST_LEN; i++)
        got[i] = ascii_lower(digest.ptr[i]);
    return CRYPTO_memcmp(want, got, APOP_DIGEST_LEN) == 0 ? 0 : -E_REFUSED;
}
