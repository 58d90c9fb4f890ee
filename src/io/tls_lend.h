/* SPDX-License-Identifier: ISC */
/* For who uses a library that makes TLS contexts of OpenSSL by itself (libcurl). */
#pragma once

#include "io/tls.h"

/*
 * Gives the authorities of a tls_verifying_client_new() to an SSL_CTX, which shares them: reading
 * them takes 20 ms, too long for each connection.
 */
void tls_lend_authorities(const struct tls_context *c, void *ssl_ctx);
