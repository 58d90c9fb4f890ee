/* SPDX-License-Identifier: ISC */
/*
 * Keys: those that sign elsewhere (EC_KEY_METHOD and RSA_METHOD; deprecated in OpenSSL 3, but the
 * provider interface for the same is ten times the code, and this is the only file to change) and
 * those held here.
 */
#include "io/tls_key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/words.h"
#include "io/tls_pem.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* ------------------------------------------------------------------ keys elsewhere */

static int ec_slot = -1, rsa_slot = -1;

/* Asks the signer; the signature goes to `to`. Its length, or 0. */
static size_t ask(const struct tls_signer *signer, enum tls_sign_scheme scheme, struct slice input,
                  unsigned char *to, size_t size) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice signature = {NULL, 0};
    int r = signer->sign(signer->arg, scheme, input, &a, &signature);
    ERR_clear_error(); /* other fibers ran meanwhile */
    if (r < 0 || signature.len == 0 || signature.len > size)
        return 0;
    memcpy(to, signature.ptr, signature.len);
    return signature.len;
}

static int ec_sign(int type, const unsigned char *digest, int len, unsigned char *to,
                   unsigned int *ret_len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key) WAITS {
    (void)type;
    (void)kinv;
    (void)r;
    const struct tls_signer *signer = EC_KEY_get_ex_data(key, ec_slot);
    size_t n =
        ask(signer, TLS_SIGN_ECDSA, slice_of(digest, (size_t)len), to, (size_t)ECDSA_size(key));
    *ret_len = (unsigned int)n;
    return n > 0;
}

static int rsa_private_encrypt(int len, const unsigned char *from, unsigned char *to, RSA *key,
                               int padding) WAITS {
    const struct tls_signer *signer = RSA_get_ex_data(key, rsa_slot);
    enum tls_sign_scheme scheme = padding == RSA_NO_PADDING ? TLS_SIGN_RSA_RAW : TLS_SIGN_RSA_PKCS1;
    if (padding != RSA_NO_PADDING && padding != RSA_PKCS1_PADDING)
        return -1;
    size_t n = ask(signer, scheme, slice_of(from, (size_t)len), to, (size_t)RSA_size(key));
    return n > 0 ? (int)n : -1;
}

static const EC_KEY_METHOD *ec_method(void) {
    static EC_KEY_METHOD *method;
    if (!method) {
        method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
        MUST(method);
        EC_KEY_METHOD_set_sign(method, ec_sign, NULL, NULL);
        ec_slot = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    return method;
}

static const RSA_METHOD *rsa_method(void) {
    static RSA_METHOD *method;
    if (!method) {
        method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
        MUST(method && RSA_meth_set_priv_enc(method, rsa_private_encrypt));
        rsa_slot = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    return method;
}

static EVP_PKEY *remote_ec(EVP_PKEY *public, const struct tls_signer *signer) {
    EC_KEY *key = EVP_PKEY_get1_EC_KEY(public);
    EVP_PKEY *pkey = EVP_PKEY_new();
    if (!key || !pkey || EC_KEY_set_method(key, ec_method()) != 1 ||
        EC_KEY_set_ex_data(key, ec_slot, (void *)(uintptr_t)signer) != 1 ||
        EVP_PKEY_assign_EC_KEY(pkey, key) != 1) {
        EC_KEY_free(key);
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

static EVP_PKEY *remote_rsa(EVP_PKEY *public, const struct tls_signer *signer) {
    RSA *key = EVP_PKEY_get1_RSA(public);
    EVP_PKEY *pkey = EVP_PKEY_new();
    if (!key || !pkey || RSA_set_method(key, rsa_method()) != 1 ||
        RSA_set_ex_data(key, rsa_slot, (void *)(uintptr_t)signer) != 1 ||
        EVP_PKEY_assign_RSA(pkey, key) != 1) {
        RSA_free(key);
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

EVP_PKEY *tls_remote_key(const X509 *certificate, const struct tls_signer *signer) {
    EVP_PKEY *public = X509_get0_pubkey(certificate);
    int type = public ? EVP_PKEY_get_base_id(public) : EVP_PKEY_NONE;
    if (type == EVP_PKEY_EC)
        return remote_ec(public, signer);
    return type == EVP_PKEY_RSA ? remote_rsa(public, signer) : NULL;
}

/* ------------------------------------------------------------------ keys here */

struct tls_key {
    EVP_PKEY *pkey;
};

/* There is nobody to ask; without this OpenSSL asks the terminal. */
static int note_passphrase(char *to, int size, int writing, void *arg) {
    (void)writing;
    if (size > 0)
        to[0] = '\0';
    *(bool *)arg = true;
    return -1;
}

int tls_key_new(struct slice key_pem, struct tls_key **ret, struct problem *problem) {
    bool is_protected = false;
    BIO *bio = BIO_new_mem_buf(key_pem.ptr, (int)MIN(key_pem.len, (size_t)INT_MAX));
    EVP_PKEY *pkey =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, note_passphrase, &is_protected) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (is_protected)
        return problem_set(problem, -E_SYNTAX,
                           _("the private key is protected by a passphrase, which nobody could give"
                             " at a start; put it there without one (openssl pkey)"));
    if (!pkey)
        return problem_set(
            problem, -E_SYNTAX,
            _("no private key found; expected PEM text with -----BEGIN PRIVATE KEY-----"
              " and no passphrase"));
    struct tls_key *k = NEW(struct tls_key);
    k->pkey = pkey;
    *ret = k;
    return 0;
}

void tls_key_free(struct tls_key *k) {
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

struct search {
    const struct tls_key *key;
    unsigned seen, found;
};

static int compare(void *arg, X509 *x) {
    struct search *s = arg;
    s->seen++;
    if (s->found == 0 && X509_check_private_key(x, s->key->pkey) == 1)
        s->found = s->seen;
    return 0;
}

unsigned tls_key_fits(const struct tls_key *k, struct slice chain_pem) {
    struct search search = {.key = k};
    (void)tls_pem_each(chain_pem, compare, &search, NULL);
    return search.found;
}

int tls_key_sign(void *key, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                 struct slice *ret_signature) {
    struct tls_key *k = key;
    bool rsa = EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_RSA;
    if (rsa != (scheme != TLS_SIGN_ECDSA))
        return -EINVAL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(k->pkey);
    unsigned char *to = arena_alloc(a, len);
    bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1;
    if (ok && rsa)
        ok = EVP_PKEY_CTX_set_rsa_padding(ctx, scheme == TLS_SIGN_RSA_RAW ? RSA_NO_PADDING
                                                                          : RSA_PKCS1_PADDING) == 1;
    ok = ok && EVP_PKEY_sign(ctx, to, &len, (const unsigned char *)input.ptr, input.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!ok)
        return -EINVAL;
    *ret_signature = slice_of(to, len);
    return 0;
}

/* ------------------------------------------------------------------ certificates */

static void add_extension(X509 *x, int nid, const char *value) {
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    MUST(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static char *bio_text(BIO *bio) {
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = mem_str(slice_of(bytes, (size_t)len));
    BIO_free(bio);
    return text;
}

static int fill_certificate(X509 *x, EVP_PKEY *pkey, const char *name, int days) {
    char alternatives[280];
    ASN1_INTEGER *serial = X509_get_serialNumber(x);
    X509_NAME *subject = X509_get_subject_name(x);
    (void)snprintf(alternatives, sizeof alternatives, "DNS:%s", name);
    (void)X509_set_version(x, X509_VERSION_3);
    if (ASN1_INTEGER_set_uint64(serial, random_u64() >> 1) != 1 ||
        !X509_gmtime_adj(X509_getm_notBefore(x), -3600) ||
        !X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                   0) != 1 ||
        X509_set_issuer_name(x, subject) != 1 || X509_set_pubkey(x, pkey) != 1)
        return -EINVAL;
    add_extension(x, NID_subject_alt_name, alternatives);
    add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
    return X509_sign(x, pkey, EVP_sha256()) > 0 ? 0 : -EINVAL;
}

int tls_self_signed(struct slice host_name, int days, char **ret_key_pem, char **ret_chain_pem) {
    char name[65]; /* the longest common name (RFC 5280, ub-common-name) */
    int r = slice_to_str(host_name, name, sizeof name);
    if (r < 0)
        return r;
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    if (!pkey || !x)
        panic("OpenSSL has no memory");
    r = fill_certificate(x, pkey, name, days);
    if (r == 0) {
        BIO *key = BIO_new(BIO_s_mem());
        BIO *chain = BIO_new(BIO_s_mem());
        MUST(key && chain);
        MUST(PEM_write_bio_PrivateKey(key, pkey, NULL, NULL, 0, NULL, NULL) == 1);
        MUST(PEM_write_bio_X509(chain, x) == 1);
        *ret_key_pem = bio_text(key);
        *ret_chain_pem = bio_text(chain);
    }
    X509_free(x);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return r;
}
