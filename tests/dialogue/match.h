/* SPDX-License-Identifier: ISC */
/*
 * Patterns of a script: text in which `*` is any text, `{name}` is any text that is kept under that
 * name, and `$name` is what was kept. A backslash before one of * { $ \ takes away its meaning.
 * Names are small letters, digits, '-' and '_', and begin with a letter; braces and dollars around
 * anything else are themselves (an IMAP literal {12}, an address <a@b>).
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

/* Bytes for a report: what is not printable as \n, \xHH and so on; cut after `max` characters. */
void show_bytes(struct buf *to, struct slice bytes, size_t max);
