/* SPDX-License-Identifier: ISC */
/*
 * Domain names as they stand in addresses and after HELO (RFC 5321 §4.1.2, RFC 1035 §2.3): labels
 * of letters, digits and hyphens, up to 63 bytes each and 255 in all, the last one not all digits
 * (RFC 3696 §2). And address literals in brackets (RFC 5321 §4.1.3).
 */
#pragma once

#include "base/arena.h"

#define DOMAIN_MAX       255
#define DOMAIN_LABEL_MAX 63

enum domain_flags {
    DOMAIN_UTF8 = 1,         /* labels may hold UTF-8 (RFC 6531 §3.3) */
    DOMAIN_UNDERSCORE = 2,   /* "_" too: seen in the wild */
    DOMAIN_TRAILING_DOT = 4, /* one dot behind the last label is allowed */
};

/* Where in the text a parse stopped, and what would have been right there: a static phrase. */
struct text_fault {
    size_t at;
    const char *expected;
};

/*
 * Checks a name that was not folded yet. 0; -E_SYNTAX; -E_LIMIT for a label or name that is too
 * long; -EILSEQ for bytes above 127 without DOMAIN_UTF8. `fault` may be NULL.
 */
int domain_check(struct slice name, unsigned flags, struct text_fault *fault);

/* The name in lower case (ASCII), without a trailing dot. */
struct slice domain_fold(struct arena *a, struct slice name);

/*
 * Reads "[192.0.2.1]" or "[IPv6:2001:db8::1]" with its brackets and gives its one canonical form,
 * brackets included. 0 or -E_SYNTAX; other kinds of literals are not known to anybody.
 */
int domain_literal(struct arena *a, struct slice text, struct slice *ret);
