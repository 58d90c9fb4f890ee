/* SPDX-License-Identifier: ISC */
/*
 * OpenSSL verifies by TLSA records itself. What it does not take is left out here as it is by
 * tls_record_usable(), so that a host with usable records is never left without any.
 *
 * With usage 3 the record alone counts: neither names nor dates of the certificate (RFC 7672
 * §3.1.1).
 */
#include "io/tls_expect.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/error.h"

#define SHA256_SIZE 32U
#define SHA512_SIZE 64U

/* A whole certificate or key, and nothing behind it. */
static bool is_whole(const struct tls_record *record) {
    const unsigned char *at = (const unsigned char *)record->data.ptr;
    const unsigned char *end = at + record->data.len;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    if (record->selector == 0) {
        certificate = d2i_X509(NULL, &at, (long)record->data.len);
        key = certificate ? X509_get_pubkey(certificate) : NULL;
    } else {
        key = d2i_PUBKEY(NULL, &at, (long)record->data.len);
    }
    bool whole = key && at == end;
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_clear_error();
    return whole;
}

bool tls_record_usable(const struct tls_record *record) {
    if (record->usage < 2 || record->usage > 3 || record->selector > 1)
        return false;
    switch (record->matching) {
    case 0:
        return record->data.len > 0 && is_whole(record);
    case 1:
        return record->data.len == SHA256_SIZE;
    case 2:
        return record->data.len == SHA512_SIZE;
    default:
        return false;
    }
}

int tls_expect(SSL *ssl, const struct tls_expectation *e) {
    char name[256];
    size_t added = 0;
    if (slice_to_str(e->server_name, name, sizeof name) < 0 || SSL_dane_enable(ssl, name) != 1)
        return -E_TLS;
    (void)SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    for (size_t i = 0; i < e->name_count; i++)
        if (slice_to_str(e->names[i], name, sizeof name) == 0)
            (void)SSL_add1_host(ssl, name);
    for (const struct tls_record *r = e->records; r < e->records + e->record_count; r++)
        added += tls_record_usable(r) &&
                 SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
                                   (const unsigned char *)r->data.ptr, r->data.len) == 1;
    ERR_clear_error();
    return added > 0 ? 0 : -E_TLS;
}

void tls_expect_facts(SSL *ssl, struct tls_facts *facts) {
    facts->by_record =
        SSL_get_verify_result(ssl) == X509_V_OK &&
        SSL_get0_dane_tlsa(ssl, &facts->usage, &facts->selector, &facts->matching, NULL, NULL) >= 0;
}
