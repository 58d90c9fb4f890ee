/* SPDX-License-Identifier: ISC */
/*
 * Certificates one by one out of PEM text; inside this floor.
 */
#pragma once

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

/*
 * Calls `take` for each certificate, first to last, until one is refused (a negative number, which
 * is the result). What else is in the text, a key say, is passed over. -E_SYNTAX with a sentence
 * for one that cannot be read, and when there is none. `take` borrows.
 */
int tls_pem_each(struct slice pem, int (*take)(void *arg, X509 *x), void *arg,
                 struct problem *problem);
