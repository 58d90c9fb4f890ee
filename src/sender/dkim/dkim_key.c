/* SPDX-License-Identifier: ISC */
#include "sender/dkim/dkim_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "base/encode.h"
#include "base/words.h"
#include "sender/dkim/rsa_key.h"
#include "sender/tags.h"

#define ED25519_LEN 32U

bool dkim_key_is(struct slice text) {
    _cleanup_(arena_done) struct arena a = {0};
    struct tags tags;
    if (tags_read(text, &a, &tags) < 0)
        return slice_starts(slice_trim(text), S("v=DKIM1"));
    return tags_find(&tags, "v") || tags_find(&tags, "p");
}

/* Whether a word is one of a list with ":" between. */
static bool lists(struct slice list, const char *word) {
    struct slice item;
    while (slice_next(&list, ':', &item))
        if (slice_eq(slice_trim(item), slice_of_str(word)))
            return true;
    return false;
}

/* One, and what is even, are no exponents. */
static bool has_good_exponent(const EVP_PKEY *key) {
    BIGNUM *e = NULL;
    bool good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
                !BN_is_one(e) && BN_num_bits(e) <= 64;
    BN_free(e);
    return good;
}

static const char *take_rsa(struct slice der, struct dkim_key *k, bool *ret_is_policy) {
    k->key = rsa_key_read(der);
    if (!k->key)
        return N_("the key is no RSA key");
    k->bits = (unsigned)EVP_PKEY_get_bits(k->key);
    *ret_is_policy = true;
    if (k->bits < DKIM_RSA_MIN)
        return N_("the key has less than 1024 bits");
    if (k->bits > DKIM_RSA_MAX)
        return N_("the key has more than 4096 bits");
    return has_good_exponent(k->key) ? NULL : N_("the key has an exponent that is not safe");
}

static const char *take_ed25519(struct slice bytes, struct dkim_key *k) {
    k->type = DKIM_ED25519;
    k->bits = 8 * ED25519_LEN;
    if (bytes.len == ED25519_LEN)
        k->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                             (const unsigned char *)bytes.ptr, bytes.len);
    return k->key ? NULL : N_("the key is no Ed25519 key");
}

static const char *read_key(const struct tags *t, struct arena *a, struct dkim_key *k,
                            bool *ret_is_policy) {
    const struct tag *version = tags_find(t, "v"), *p = tags_find(t, "p");
    struct slice type = tags_value(t, "k", S("rsa")), flags = tags_value(t, "t", S("")), bytes;
    if (version && (version != t->list || !slice_eq(version->value, S("DKIM1"))))
        return N_("the key is of another version");
    if (!p)
        return N_("the key record has no p=");
    if (p->value.len == 0)
        return N_("the key was revoked");
    if (!lists(tags_value(t, "s", S("*")), "*") && !lists(tags_value(t, "s", S("*")), "email"))
        return N_("the key is not for email");
    if (tags_find(t, "h") && !lists(tags_find(t, "h")->value, "sha256"))
        return N_("the key does not allow sha256");
    if (base64_decode(a, tags_without_blanks(a, p->value), &bytes) < 0)
        return N_("the key is not in Base64");
    k->testing = lists(flags, "y");
    k->same_only = lists(flags, "s");
    if (slice_eq(type, S("rsa")))
        return take_rsa(bytes, k, ret_is_policy);
    return slice_eq(type, S("ed25519")) ? take_ed25519(bytes, k)
                                        : N_("the key is of an unknown type");
}

const char *dkim_key_read(struct slice text, struct dkim_key *ret, bool *ret_is_policy) {
    _cleanup_(arena_done) struct arena a = {0};
    struct tags tags;
    *ret = (struct dkim_key){0};
    *ret_is_policy = false;
    if (tags_read(text, &a, &tags) < 0)
        return N_("the key record cannot be read");
    const char *why = read_key(&tags, &a, ret, ret_is_policy);
    *ret_is_policy &= why != NULL;
    if (why)
        dkim_key_done(ret);
    return why;
}

void dkim_key_done(struct dkim_key *k) {
    EVP_PKEY_free(k->key);
    k->key = NULL;
}

/* PKCS #1 over the digest (RFC 6376 §3.3.2), or Ed25519 of it (RFC 8463 §3). */
bool dkim_key_verifies(const struct dkim_key *k, struct slice signature,
                       const unsigned char digest[static DIGEST_LEN]) {
    const unsigned char *bytes = (const unsigned char *)signature.ptr;
    bool right;
    if (k->type == DKIM_RSA) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->key, NULL);
        right = c && EVP_PKEY_verify_init(c) == 1 &&
                EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
                EVP_PKEY_verify(c, bytes, signature.len, digest, DIGEST_LEN) == 1;
        EVP_PKEY_CTX_free(c);
    } else {
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        right = c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k->key) == 1 &&
                EVP_DigestVerify(c, bytes, signature.len, digest, DIGEST_LEN) == 1;
        EVP_MD_CTX_free(c);
    }
    ERR_clear_error();
    return right;
}

bool dkim_key_same(struct slice one, struct slice other) {
    struct dkim_key a, b;
    bool policy, same = false;
    if (!dkim_key_is(one) || dkim_key_read(one, &a, &policy))
        return false;
    if (dkim_key_is(other) && !dkim_key_read(other, &b, &policy)) {
        same = EVP_PKEY_eq(a.key, b.key) == 1;
        dkim_key_done(&b);
    }
    dkim_key_done(&a);
    return same;
}
