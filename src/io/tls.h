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

/* Signs for a certificate whose private key is elsewhere. 0, or negative: the handshake fails. */
struct tls_signer {
    int (*sign)(void *arg, int scheme, struct slice digest, struct arena *a,
                struct slice *ret) WAITS;
    void *arg;
};

/* A server's context from a PEM chain; a newer certificate means a new context. */
int tls_server_new(struct slice chain_pem, const struct tls_signer *signer,
                   struct tls_context **ret, struct problem *problem);

/* A client's context. Opportunistic TLS (RFC 7435): any certificate will do. */
int tls_client_new(struct tls_context **ret, struct problem *problem);

void tls_context_free(struct tls_context *c);

/*
 * Turns a plain stream into a TLS stream, as server or client, and shakes hands. Input received
 * before must have been dropped or consumed. On failure the stream has the sticky error -E_TLS and
 * `problem` says what failed in words.
 */
int tls_accept(struct stream *s, struct tls_context *c, struct problem *problem) WAITS;
int tls_connect(struct stream *s, struct tls_context *c, struct slice server_name,
                struct problem *problem) WAITS;

/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384" of the session, or false for a stream without TLS. */
struct tls_facts {
    const char *version, *cipher;
    int bits;
    bool resumed;
};
bool tls_facts(const struct stream *s, struct tls_facts *ret);
