/* SPDX-License-Identifier: ISC */
/* What an octet may be part of stands in one table. */
#include "imap/syntax/token.h"

#include "imap/syntax/utf7.h"
#include "message/unicode/nfc.h"

enum {
    ATOM = 1,    /* ATOM-CHAR, and bytes above 127 */
    ASTRING = 2, /* ASTRING-CHAR: ATOM-CHAR and "]" */
    LIST = 4,    /* list-char: ASTRING-CHAR, "%" and "*" */
    TAG = 8,     /* ASTRING-CHAR but "+" */
    WORD = 16,   /* ATOM-CHAR but "[" */
};

static unsigned class_of(char byte) {
    unsigned char c = (unsigned char)byte;
    if (c > 127)
        return ATOM | ASTRING | LIST | WORD;
    if (c <= ' ' || c == 127)
        return 0;
    switch (c) {
    case '(':
    case ')':
    case '{':
    case '"':
    case '\\':
        return 0;
    case '%':
    case '*':
        return LIST;
    case ']':
        return ASTRING | LIST | TAG;
    case '+':
        return ATOM | ASTRING | LIST | WORD;
    case '[':
        return ATOM | ASTRING | LIST | TAG;
    default:
        return ATOM | ASTRING | LIST | TAG | WORD;
    }
}

void token_begin(struct imap_cursor *c, const struct imap_text *text, struct arena *a) {
    *c = (struct imap_cursor){
        .rest = text->bytes,
        .begin = text->bytes.ptr,
        .arena = a,
        .sets = text->sets,
        .sets_left = text->set_count,
    };
}

bool token_fail(struct imap_cursor *c, const char *expected) {
    if (!c->expected) {
        c->expected = expected;
        c->at = (size_t)(c->rest.ptr - c->begin);
    }
    return false;
}

/* ------------------------------------------------------------------ bytes */

bool token_next_is(const struct imap_cursor *c, char byte) {
    return c->rest.len > 0 && c->rest.ptr[0] == byte;
}

bool token_maybe(struct imap_cursor *c, char byte) {
    if (!token_next_is(c, byte))
        return false;
    c->rest = slice_from(c->rest, 1);
    return true;
}

bool token_byte(struct imap_cursor *c, char byte) {
    static const char *const expected[] = {
        ['('] = "\"(\"", [')'] = "\")\"", ['['] = "\"[\"",   [']'] = "\"]\"",
        ['<'] = "\"<\"", ['>'] = "\">\"", [':'] = "a colon", ['.'] = "a dot",
    };
    return token_maybe(c, byte) || token_fail(c, expected[(unsigned char)byte]);
}

bool token_space(struct imap_cursor *c) {
    return token_maybe(c, ' ') || token_fail(c, "a space");
}

bool token_at_end(const struct imap_cursor *c) {
    for (size_t i = 0; i < c->rest.len; i++)
        if (c->rest.ptr[i] != ' ')
            return false;
    return true;
}

bool token_end(struct imap_cursor *c) {
    if (!token_at_end(c))
        return token_fail(c, "the end of the command");
    c->rest = slice_from(c->rest, c->rest.len);
    return true;
}

bool token_member(struct imap_cursor *c, bool *first) {
    if (c->expected || token_maybe(c, ')'))
        return false;
    if (*first) {
        *first = false;
        return true;
    }
    return token_maybe(c, ' ') || token_fail(c, "a space or \")\"");
}

/* ------------------------------------------------------------------ words */

static struct slice run_of(const struct imap_cursor *c, unsigned class) {
    size_t len = 0;
    while (len < c->rest.len && class_of(c->rest.ptr[len]) & class)
        len++;
    return slice_first(c->rest, len);
}

static bool take_run(struct imap_cursor *c, unsigned class, const char *expected,
                     struct slice *ret) {
    struct slice run = run_of(c, class);
    if (run.len == 0)
        return token_fail(c, expected);
    c->rest = slice_from(c->rest, run.len);
    *ret = run;
    return true;
}

bool token_tag(struct imap_cursor *c, struct slice *ret) {
    return take_run(c, TAG, "a tag", ret);
}

bool token_is_tag(struct slice text) {
    struct imap_cursor c = {.rest = text};
    return text.len > 0 && run_of(&c, TAG).len == text.len;
}

bool token_atom(struct imap_cursor *c, const char *expected, struct slice *ret) {
    return take_run(c, ATOM, expected, ret);
}

bool token_word(struct imap_cursor *c, const char *const *words, size_t count, const char *expected,
                size_t *ret) {
    struct slice run = run_of(c, WORD);
    for (size_t i = 0; i < count; i++) {
        if (!words[i] || !slice_eq_nocase(run, slice_of_str(words[i])))
            continue;
        c->rest = slice_from(c->rest, run.len);
        *ret = i;
        return true;
    }
    return token_fail(c, expected);
}

bool token_maybe_word(struct imap_cursor *c, const char *word) {
    struct slice run = run_of(c, WORD);
    if (!slice_eq_nocase(run, slice_of_str(word)))
        return false;
    c->rest = slice_from(c->rest, run.len);
    return true;
}

static bool take_number(struct imap_cursor *c, uint64_t least, uint64_t most, const char *expected,
                        uint64_t *ret) {
    size_t len = 0;
    uint64_t value = 0;
    while (len < c->rest.len && ascii_is_digit(c->rest.ptr[len]))
        len++;
    int r = slice_to_u64(slice_first(c->rest, len), most, &value);
    if (r < 0 || value < least)
        return token_fail(c, expected);
    c->rest = slice_from(c->rest, len);
    *ret = value;
    return true;
}

bool token_u32(struct imap_cursor *c, uint32_t *ret) {
    uint64_t value;
    if (!take_number(c, 0, UINT32_MAX, "a number up to 4294967295", &value))
        return false;
    *ret = (uint32_t)value;
    return true;
}

bool token_nz(struct imap_cursor *c, uint32_t *ret) {
    uint64_t value;
    if (!take_number(c, 1, UINT32_MAX, "a number from 1 to 4294967295", &value))
        return false;
    *ret = (uint32_t)value;
    return true;
}

bool token_number64(struct imap_cursor *c, uint64_t *ret) {
    return take_number(c, 0, INT64_MAX, "a number up to 9223372036854775807", ret);
}

/* ------------------------------------------------------------------ strings */

bool token_quoted(struct imap_cursor *c, const char *expected, struct slice *ret) {
    if (!token_next_is(c, '"'))
        return token_fail(c, expected);
    size_t end = 1, escapes = 0;
    while (end < c->rest.len && c->rest.ptr[end] != '"' && c->rest.ptr[end] != '\r' &&
           c->rest.ptr[end] != '\n' && c->rest.ptr[end] != '\0') {
        bool escape = c->rest.ptr[end] == '\\' && end + 1 < c->rest.len &&
                      !slice_starts(slice_from(c->rest, end + 1), S("\r")) &&
                      c->rest.ptr[end + 1] != '\0';
        escapes += escape;
        end += escape ? 2 : 1;
    }
    if (end >= c->rest.len || c->rest.ptr[end] != '"')
        return token_fail(c, "a quoted string that ends in its line");
    struct slice text = slice_of(c->rest.ptr + 1, end - 1);
    c->rest = slice_from(c->rest, end + 1);
    *ret = text;
    if (escapes == 0)
        return true;
    char *plain = arena_alloc(c->arena, text.len - escapes + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        i += text.ptr[i] == '\\' && i + 1 < text.len;
        plain[len++] = text.ptr[i];
    }
    *ret = slice_of(plain, len);
    return true;
}

/* {3}, {3+} or, with `eight`, ~{3}: CRLF and the octets follow. */
static bool take_literal(struct imap_cursor *c, bool eight, struct slice *ret) {
    struct imap_cursor from = *c;
    uint64_t size = 0;
    bool is_eight = eight && token_maybe(c, '~');
    if (!token_maybe(c, '{') || !take_number(c, 0, INT64_MAX, "the size of a literal", &size))
        return token_fail(c, "a literal");
    (void)token_maybe(c, '+');
    if (!slice_starts(c->rest, S("}\r\n")) || c->rest.len - 3 < size)
        return token_fail(c, "a literal");
    struct slice octets = slice_first(slice_from(c->rest, 3), size);
    if (!is_eight && slice_find_byte(octets, '\0') >= 0) {
        c->rest = from.rest;
        return token_fail(c, "a literal without NUL");
    }
    c->rest = slice_from(c->rest, 3 + octets.len);
    *ret = octets;
    return true;
}

bool token_string(struct imap_cursor *c, const char *expected, struct slice *ret) {
    return token_next_is(c, '{') ? take_literal(c, false, ret) : token_quoted(c, expected, ret);
}

static bool take_string_or(struct imap_cursor *c, unsigned class, const char *expected,
                           struct slice *ret) {
    if (token_next_is(c, '{') || token_next_is(c, '"'))
        return token_string(c, expected, ret);
    return take_run(c, class, expected, ret);
}

bool token_astring(struct imap_cursor *c, const char *expected, struct slice *ret) {
    return take_string_or(c, ASTRING, expected, ret);
}

bool token_nstring(struct imap_cursor *c, const char *expected, struct slice *ret) {
    if (!token_maybe_word(c, "NIL"))
        return token_string(c, expected, ret);
    *ret = (struct slice){0};
    return true;
}

bool token_nstring8(struct imap_cursor *c, const char *expected, struct slice *ret) {
    return token_next_is(c, '~') ? take_literal(c, true, ret) : token_nstring(c, expected, ret);
}

/* "INBOX" is that in any case (RFC 9051 §5.1), as the name of what others are below, too. */
static void write_inbox_large(struct buf *name) {
    struct slice inbox = S("INBOX"), s = buf_slice(name);
    if (slice_starts_nocase(s, inbox) && (s.len == inbox.len || s.ptr[inbox.len] == '/'))
        memcpy(name->ptr, inbox.ptr, inbox.len);
}

static bool take_name(struct imap_cursor *c, unsigned class, const char *expected,
                      struct slice *ret) {
    struct slice name;
    if (!take_string_or(c, class, expected, &name))
        return false;
    _cleanup_(buf_done) struct buf decoded = {0}, form = {0};
    if (!c->utf8_names && slice_find_byte(name, '&') >= 0)
        utf7_decode(&decoded, name);
    else
        buf_add(&decoded, name);
    nfc_add(&form, buf_slice(&decoded)); /* RFC 9051 §5.1 */
    write_inbox_large(&form);
    *ret = arena_copy(c->arena, buf_slice(&form));
    return true;
}

bool token_mailbox(struct imap_cursor *c, struct slice *ret) {
    struct imap_cursor from = *c;
    if (!take_name(c, ASTRING, "the name of a mailbox", ret))
        return false;
    if (ret->len > 0)
        return true;
    c->rest = from.rest;
    return token_fail(c, "the name of a mailbox");
}

bool token_mailbox_pattern(struct imap_cursor *c, struct slice *ret) {
    return take_name(c, LIST, "a pattern for names of mailboxes", ret);
}

/* ------------------------------------------------------------------ values */

bool token_set(struct imap_cursor *c, struct imap_set *ret) {
    static const char expected[] = "a set of numbers such as 1:3,7,9:*";
    if (token_next_is(c, '\0')) {
        if (c->sets_left == 0)
            return token_fail(c, expected);
        *ret = *c->sets++;
        c->sets_left--;
        c->rest = slice_from(c->rest, 1);
        return true;
    }
    size_t len = 0;
    if (token_next_is(c, '$'))
        len = 1;
    while (len < c->rest.len && imap_set_byte(c->rest.ptr[len]))
        len++;
    if (imap_set_parse(slice_first(c->rest, len), c->arena, ret) < 0)
        return token_fail(c, expected);
    c->rest = slice_from(c->rest, len);
    return true;
}

bool token_date(struct imap_cursor *c, int32_t *ret_day) {
    struct imap_cursor from = *c;
    struct slice text;
    bool taken = token_next_is(c, '"') ? token_quoted(c, "a date", &text)
                                       : token_atom(c, "a date such as 1-Feb-2026", &text);
    if (!taken)
        return false;
    if (imap_date_parse(text, ret_day) == 0)
        return true;
    c->rest = from.rest;
    return token_fail(c, "a date such as 1-Feb-2026");
}

bool token_date_time(struct imap_cursor *c, struct imap_date_time *ret) {
    static const char expected[] = "a date and time such as \" 1-Feb-2026 09:00:00 +0900\"";
    struct imap_cursor from = *c;
    struct slice text;
    if (!token_quoted(c, expected, &text))
        return false;
    if (imap_date_time_parse(text, ret) == 0)
        return true;
    c->rest = from.rest;
    return token_fail(c, expected);
}
