/* SPDX-License-Identifier: ISC */
/*
 * Inside the io floor only: a key object for OpenSSL whose private half is a struct tls_signer.
 */
#pragma once

#include <openssl/x509.h>

#include "io/tls.h"

/*
 * A key with the public half of the certificate that signs by asking `signer`, which must outlive
 * it. NULL for a key type other than EC and RSA. The caller frees it.
 */
EVP_PKEY *tls_remote_key(const X509 *certificate, const struct tls_signer *signer);
