/* SPDX-License-Identifier: ISC */
/*
 * TLS as a layer of a stream (OpenSSL 3). The only header through which the program meets TLS; the
 * only place that calls SSL_*. TLS 1.2 and 1.3.
 *
 * The private key of a server may live in another process: then `sign` is called with the digest
 * (or, for Ed25519, the message) and may wait.
 */
#pragma once

#include "io/stream.h"

struct tls_context; /* settings shared by many sessions */

/* What a signer is asked for. */
enum tls_sign_scheme {
    TLS_SIGN_ECDSA,     /* a digest in, a DER signature out */
    TLS_SIGN_RSA_PKCS1, /* a DigestInfo in, PKCS #1 v1.5 padded */
    TLS_SIGN_RSA_RAW,   /* an already padded block in (PSS) */
    TLS_SIGN_SCHEMES,
};

/* Signs for a certificate whose private key is elsewhere. 0, or negative: the handshake fails. */
struct tls_signer {
    int (*sign)(void *arg, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                struct slice *ret_signature) WAITS;
    void *arg;
};

/*
 * A server's context from a PEM chain (leaf first; EC or RSA key); a newer certificate means a new
 * context. Sessions keep the context they began with alive. `signer` is copied; what its `arg`
 * points at outlives the sessions.
 */
int tls_server_new(struct slice chain_pem, const struct tls_signer *signer,
                   struct tls_context **ret, struct problem *problem);

/* A client's context. Opportunistic TLS (RFC 7435): any certificate will do. */
int tls_client_new(struct tls_context **ret, struct problem *problem);

/*
 * A client's context that goes on only with a host whose certificate is valid for the name given to
 * tls_connect() and comes from one of these authorities (PEM). -E_SYNTAX: there is none.
 */
int tls_verifying_client_new(struct slice authorities_pem, struct tls_context **ret,
                             struct problem *problem);

void tls_context_require_1_3(struct tls_context *c); /* nothing older, in new sessions */
void tls_context_free(struct tls_context *c);        /* NULL is fine */
DEFINE_CLEANUP(struct tls_context, tls_context_free)

/*
 * Turns a plain stream into a TLS stream, as server or client, and shakes hands. Input received
 * before must have been dropped or consumed. On failure the stream has the sticky error -E_TLS and
 * `problem` says what failed in words.
 */
int tls_accept(struct stream *s, struct tls_context *c, struct problem *problem) WAITS;
int tls_connect(struct stream *s, struct tls_context *c, struct slice server_name,
                struct problem *problem) WAITS;

/* What a host's certificate, or one above it, has to be like (RFC 6698 §2.1). */
struct tls_record {
    uint8_t usage;    /* 2: an authority's, below which the names count; 3: the host's own */
    uint8_t selector; /* 0: of the certificate; 1: of its key */
    uint8_t matching; /* 0: all its bytes; 1: their SHA-256; 2: their SHA-512 */
    struct slice data;
};

/* Whether such a record can be met at all: numbers and length are right, what is whole is read. */
bool tls_record_usable(const struct tls_record *record);

/*
 * As tls_connect(), and goes on only with a host whose certificate meets one of the records (RFC
 * 7671, 7672 §3.1); with usage 2 it also has to be for one of the names. Of records that differ in
 * the matching type only, the strongest type counts (RFC 7671 §9). The context is one of
 * tls_client_new().
 */
struct tls_expectation {
    struct slice server_name;  /* what the host is asked for, and a name that counts */
    const struct slice *names; /* others that count */
    size_t name_count;
    const struct tls_record *records;
    size_t record_count;
};
int tls_connect_expecting(struct stream *s, struct tls_context *c,
                          const struct tls_expectation *expectation, struct problem *problem) WAITS;

/* A private key in this process as a signer: for the keys role and for tests. */
struct tls_key;
int tls_key_new(struct slice key_pem, struct tls_key **ret, struct problem *problem);
void tls_key_free(struct tls_key *k);
int tls_key_sign(void *key, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                 struct slice *ret_signature); /* fits struct tls_signer */

/* Whose key it is of the certificates in PEM: 1 the leaf's, 2 the next one's, 0 nobody's. */
unsigned tls_key_fits(const struct tls_key *k, struct slice chain_pem);

/* Makes an EC P-256 key and a self-signed certificate for a host name, both PEM, on the heap. */
int tls_self_signed(struct slice host_name, int days, char **ret_key_pem, char **ret_chain_pem);

/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384" of the session, or false for a stream without TLS. */
struct tls_facts {
    const char *version, *cipher;
    int bits;
    bool resumed;
    bool by_record; /* the certificate met a record of an expectation: this one */
    uint8_t usage, selector, matching;
};
bool tls_facts(const struct stream *s, struct tls_facts *ret);
