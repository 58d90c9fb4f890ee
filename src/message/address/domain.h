/* SPDX-License-Identifier: ISC */
/*
 * Domain names as they stand in addresses and after HELO (RFC 5321 §4.1.2, RFC 1035 §2.3): labels
 * of letters, digits and hyphens, up to 63 bytes each and 255 in all, the last one not all digits
 * (RFC 3696 §2). And address literals in brackets (RFC 5321 §4.1.3).
 *
 * An internationalised name is one name however it is written: U-labels (例え.jp), A-labels
 * (xn--r8jz45g.jp), in any case and width, with any of the full stops that IDNA knows.
 * domain_canonical() makes one text of all of them, in lower case A-labels. It is called wherever a
 * name enters (command line, settings, addresses of the envelope and of header fields, logins);
 * everything behind compares, stores and asks the DNS for that text. domain_shown() is the way back
 * for people.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define DOMAIN_MAX       255
#define DOMAIN_LABEL_MAX 63
#define DOMAIN_TEXT_MAX  1024 /* bytes of a name before it is made canonical */

enum domain_flags {
    DOMAIN_UTF8 = 1,         /* U-labels too (RFC 5890 §2.3.2.1), for domain_canonical() */
    DOMAIN_UNDERSCORE = 2,   /* "_" too: seen in the wild */
    DOMAIN_TRAILING_DOT = 4, /* one dot behind the last label is allowed */
};

/* Where in the text a parse stopped, and what would have been right there: a static phrase. */
struct text_fault {
    size_t at;
    const char *expected;
};

/*
 * Checks a name of ASCII that was not folded yet, and leaves A-labels unread. 0; -E_SYNTAX;
 * -E_LIMIT for a label or name that is too long; -EILSEQ for bytes above 127. `fault` may be NULL.
 */
int domain_check(struct slice name, unsigned flags, struct text_fault *fault);

/*
 * Checks a name and gives its one form: A-labels, lower case, no trailing dot. Errors as above;
 * -E_SYNTAX also for what is not IDNA 2008 (RFC 5891 §5), after the usual mapping of case and width
 * (UTS 46, nontransitional). An A-label has to be sound Punycode; what it decodes to is the
 * business of its registry.
 */
int domain_canonical(struct arena *a, struct slice text, unsigned flags, struct slice *ret,
                     struct text_fault *fault);

/* A name that was checked, in lower case (ASCII), without a trailing dot. */
struct slice domain_fold(struct arena *a, struct slice name);

/*
 * Appends a canonical name for people: each A-label as U-label where that misleads nobody, else as
 * it is. A U-label is shown when it leads back to the same A-label and all of it is
 *   - Latin with its accents, or
 *   - Japanese or Chinese (Han, Hiragana, Katakana), or Korean (Hangul, Han), with ASCII among it;
 *     strokes that pass for "-" or "/" (ー一ノンソ丶丿) only beside other such characters, or
 *   - Greek or Cyrillic, with a message in it that nobody takes for a Latin one.
 */
void domain_shown(struct buf *to, struct slice name);

/* The same for every name in a text; the rest of it is copied. */
void domain_shown_within(struct buf *to, struct slice text);

/*
 * Reads "[192.0.2.1]" or "[IPv6:2001:db8::1]" with its brackets and gives its one canonical form,
 * brackets included. 0 or -E_SYNTAX; other kinds of literals are not known to anybody.
 */
int domain_literal(struct arena *a, struct slice text, struct slice *ret);
