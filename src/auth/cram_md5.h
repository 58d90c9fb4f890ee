/* SPDX-License-Identifier: ISC */
/*
 * CRAM-MD5 (RFC 2195), the client's half: a digest over the server's challenge instead of the
 * password. For servers that offer nothing better.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* "user digest", not yet in base64. 0, or -ENOTSUP when OpenSSL offers no MD5. */
int cram_md5_answer(struct arena *a, struct slice challenge, struct slice user,
                    struct slice password, struct slice *ret);
