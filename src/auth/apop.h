/* SPDX-License-Identifier: ISC */
/*
 * APOP (RFC 1939 §7): MD5 over the timestamp of the greeting and a shared secret. Old and weak
 * (MD5, a secret the server must be able to read); for programs that have nothing better.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define APOP_DIGEST_LEN 32U /* hexadecimal digits */

/*
 * A timestamp for a greeting: "<number.time@host>", of msg-id form and never the same twice.
 * `number` is random, `host` our name.
 */
struct slice apop_stamp(struct arena *a, uint64_t number, int64_t wall, struct slice host);

/* The digest in lower case. 0, or -ENOTSUP when OpenSSL offers no MD5. */
int apop_digest(struct slice stamp, struct slice secret, char digest[static APOP_DIGEST_LEN + 1]);

/*
 * 0: the client knows the secret; -E_REFUSED; -ENOTSUP. Digits in either case, compared in a time
 * that does not depend on them.
 */
int apop_verify(struct slice stamp, struct slice secret, struct slice digest);
