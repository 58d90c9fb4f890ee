/* SPDX-License-Identifier: ISC */
/*
 * Holding a session to TLSA records; for tls.c only.
 */
#pragma once

#include <openssl/ssl.h>

#include "io/tls.h"

/* Before the handshake: what is to be expected in it. -E_TLS: no record can be used. */
int tls_expect(SSL *ssl, const struct tls_expectation *expectation);

/* Behind the handshake: which record was met, if there was one. */
void tls_expect_facts(SSL *ssl, struct tls_facts *facts);
