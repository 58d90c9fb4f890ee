/* SPDX-License-Identifier: ISC */
/*
 * SASL (RFC 4422), the server's half of PLAIN (RFC 4616) and LOGIN, as carried by SMTP (RFC 4954),
 * POP3 (RFC 5034) and IMAP (RFC 9051 §6.2.2): lines of base64 from the client, challenges to it.
 * Pure: it turns lines into credentials, which somebody else verifies.
 *
 *     r = sasl_start(&s, S("PLAIN"));                -E_UNKNOWN: 504 5.5.4
 *     r = sasl_first(&s, a, initial, &out);          initial.ptr NULL: none was sent
 *     while (r == 0 && !out.done) {
 *         send "334 " base64(out.challenge); read a line
 *         r = sasl_next(&s, a, line, &out);
 *     }
 *     -ECANCELED: the client sent "*";  -E_SYNTAX, -E_LIMIT: 501 5.5.2;  0: out.credentials
 *
 * A mechanism is a row of the table in sasl.c: one more is one more row and its step function.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define SASL_NAME_MAX     320U /* RFC 4616 §2 asks for 255; an address may have 64 + 1 + 255 */
#define SASL_PASSWORD_MAX 511U
#define SASL_LINE_MAX     12288U /* RFC 4954 §4; nothing longer is decoded */

struct sasl_mechanism;

struct sasl_credentials {
    struct slice act_as;   /* authorization identity; empty: derived from the name */
    struct slice name;     /* authentication identity */
    struct slice password; /* wipe with sasl_wipe() when verified */
};

/* A dialogue; between lines only this is kept, and what is in the arena. */
struct sasl {
    const struct sasl_mechanism *mechanism;
    unsigned step;
    struct sasl_credentials gathered;
};

struct sasl_out {
    bool done;
    struct slice challenge; /* not done: raw bytes, the caller encodes; may be empty */
    struct sasl_credentials credentials;
};

/* `name` in any case. 0 or -E_UNKNOWN. */
int sasl_start(struct sasl *s, struct slice name);

/* The initial response of the AUTH command; "=" stands for an empty one. ptr NULL: none. */
int sasl_first(struct sasl *s, struct arena *a, struct slice initial, struct sasl_out *ret);

/* A further line, without its CRLF. */
int sasl_next(struct sasl *s, struct arena *a, struct slice line, struct sasl_out *ret);

/* The name of the mechanism of a dialogue, as registered: "PLAIN". */
const char *sasl_name(const struct sasl *s);

/* The mechanisms offered, for EHLO and CAPA: places 0, 1 ... until NULL. */
const char *sasl_offer(size_t place);

/* Overwrites the password bytes, which must be the arena's own copy. */
void sasl_wipe(struct sasl_credentials *credentials);
