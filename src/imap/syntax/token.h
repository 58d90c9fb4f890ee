/* SPDX-License-Identifier: ISC */
/*
 * The tokens of which commands are made (RFC 9051 §9). Pure: a cursor over the text of one command,
 * as struct imap_text of imap/syntax/reader.h holds it.
 *
 * Each token_*() takes its token off the front and returns true; or it returns false, and the
 * cursor knows what was expected and where (of several failures the first counts). What it gives
 * points into the text or is in the arena. Work is linear in the bytes that are taken.
 *
 * Kindnesses: bytes above 127 in atoms and quoted strings (clients send raw UTF-8 whatever was
 * enabled; the caller judges the bytes), any byte but CR and LF behind a backslash in a quoted
 * string, blanks at the end of a command. No NUL but in a literal8.
 */
#pragma once

#include "imap/syntax/date.h"
#include "imap/syntax/set.h"

/* The text of a command: lines joined by CRLF with the octets of literals as they came. */
struct imap_text {
    struct slice bytes;
    const struct imap_set *sets; /* those that were read as they came; a NUL stands for each */
    size_t set_count;
};

struct imap_cursor {
    struct slice rest;
    const char *begin;
    struct arena *arena;
    const struct imap_set *sets;
    size_t sets_left;
    bool utf8_names;      /* rev2 or UTF8=ACCEPT is enabled: "&" in a name of a mailbox is "&" */
    const char *expected; /* what the first failure wanted; NULL: none yet */
    size_t at;            /* its place in the text */
};

void token_begin(struct imap_cursor *c, const struct imap_text *text, struct arena *a);

/* Notes what was expected here, unless something was before; false. */
bool token_fail(struct imap_cursor *c, const char *expected);

/* ------------------------------------------------------------------ bytes */

bool token_next_is(const struct imap_cursor *c, char byte); /* takes nothing */
bool token_maybe(struct imap_cursor *c, char byte);         /* takes it if it is next */
bool token_byte(struct imap_cursor *c, char byte);
bool token_space(struct imap_cursor *c);
bool token_end(struct imap_cursor *c);          /* nothing but blanks is left; takes them */
bool token_at_end(const struct imap_cursor *c); /* so it is; takes nothing */

/*
 * Goes round a list in parentheses, whose "(" was taken: true when there is another member, before
 * which its space was taken; false behind ")", or on failure.
 *     for (bool first = true; token_member(c, &first);)
 */
bool token_member(struct imap_cursor *c, bool *first);

/* ------------------------------------------------------------------ words */

bool token_tag(struct imap_cursor *c, struct slice *ret);
bool token_is_tag(struct slice text); /* one that comes from another process: that and no more */
bool token_atom(struct imap_cursor *c, const char *expected, struct slice *ret);

/*
 * A word of a table, in any case: letters, digits, ".", "-", "=" and what else atoms have up to
 * "[", "(", ")" or a space. `ret` is its place in the table.
 */
bool token_word(struct imap_cursor *c, const char *const *words, size_t count, const char *expected,
                size_t *ret);

/* Takes the word if it is next, in any case, and no longer word begins with it. */
bool token_maybe_word(struct imap_cursor *c, const char *word);

bool token_u32(struct imap_cursor *c, uint32_t *ret);      /* "number" */
bool token_nz(struct imap_cursor *c, uint32_t *ret);       /* "nz-number" */
bool token_number64(struct imap_cursor *c, uint64_t *ret); /* up to 2^63 - 1 (RFC 9051 §9) */

/* ------------------------------------------------------------------ strings */

bool token_string(struct imap_cursor *c, const char *expected, struct slice *ret);
bool token_astring(struct imap_cursor *c, const char *expected, struct slice *ret);
bool token_nstring(struct imap_cursor *c, const char *expected,
                   struct slice *ret); /* NIL: ptr NULL */
bool token_nstring8(struct imap_cursor *c, const char *expected,
                    struct slice *ret); /* literal8 too */
bool token_quoted(struct imap_cursor *c, const char *expected, struct slice *ret);

/*
 * The name of a mailbox as UTF-8 (imap/syntax/utf7.h says how it is read) in its one form
 * (message/unicode/nfc.h), INBOX in any case as "INBOX", before "/", too.
 * At least one byte. Other rules of names are the caller's matter, even that it is UTF-8.
 */
bool token_mailbox(struct imap_cursor *c, struct slice *ret);
bool token_mailbox_pattern(struct imap_cursor *c, struct slice *ret); /* with % and *, may be "" */

/* ------------------------------------------------------------------ values */

bool token_set(struct imap_cursor *c, struct imap_set *ret);
bool token_date(struct imap_cursor *c, int32_t *ret_day);
bool token_date_time(struct imap_cursor *c, struct imap_date_time *ret);
