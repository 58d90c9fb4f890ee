/* SPDX-License-Identifier: ISC */
/*
 * Patterns of a script: text in which `*` is any text, `{name}` is any text that is kept under that
 * name, and `$name` is what was kept. A backslash before one of * { $ \ takes away its meaning.
 * Names are small letters, digits, '-' and '_', and begin with a letter; braces and dollars around
 * anything else are themselves (a count {12}, an address <a@b>).
 *
 * `$#name` is the number of bytes of what was kept. `{=name}` is all of it as a literal, as IMAP
 * and ManageSieve have it (RFC 9051 §4.3): {12}, CRLF and twelve bytes; `{=name+}` does not wait
 * for the other side. In a pattern `{=name}` of a name not yet kept is any literal, whose bytes are
 * kept, and `{=*}` any at all.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"

struct names {
    struct arena *a; /* the values live here */
    struct map values;
};

/* Text to send: replaces each $name; a name that was never kept stays as written. */
void match_expand(const struct names *names, struct slice text, struct buf *to);

/* True when the whole of `came` is as the pattern says; only then the names are kept. */
bool match(struct names *names, struct slice pattern, struct slice came);

bool match_is_name(struct slice s);
void match_keep(struct names *names, struct slice name, struct slice value); /* copies both */

/* How many literals a pattern has. */
size_t match_literals(struct slice pattern);

/* Whether a line announces a literal: it ends with {12} and CRLF. */
bool match_ends_with_count(struct slice line, uint64_t *ret_count);

/* Bytes for a report: what is not printable as \n, \xHH and so on; cut after `max` characters. */
void show_bytes(struct buf *to, struct slice bytes, size_t max);
