/* SPDX-License-Identifier: ISC */
#include "response_parse.h"

#define DEPTH_MAX 200U /* of MIME parts */

bool c_fail(struct check *c, const char *expected) {
    if (!c->expected) {
        c->expected = expected;
        c->at = (size_t)(c->rest.ptr - c->begin);
    }
    return false;
}

bool c_next_is(const struct check *c, char byte) {
    return c->rest.len > 0 && c->rest.ptr[0] == byte;
}

bool c_byte(struct check *c, char byte) {
    if (!c_next_is(c, byte))
        return c_fail(c, byte == ' '    ? "a space"
                         : byte == '('  ? "("
                         : byte == ')'  ? ")"
                         : byte == ']'  ? "]"
                         : byte == '\r' ? "CRLF"
                                        : "another octet");
    c->rest = slice_from(c->rest, 1);
    return true;
}

bool c_maybe(struct check *c, const char *text) {
    struct slice want = slice_of_str(text);
    if (!slice_starts(c->rest, want))
        return false;
    c->rest = slice_from(c->rest, want.len);
    return true;
}

static bool is_of(unsigned char byte, int kind) {
    if (byte <= ' ' || byte >= 127 || strchr("(){%*\"\\", byte))
        return false;
    return kind == C_ATOM ? byte != ']' : kind == C_TAG ? byte != '+' : true;
}

struct slice c_run_of(struct check *c, int kind) {
    size_t len = 0;
    while (len < c->rest.len && is_of((unsigned char)c->rest.ptr[len], kind))
        len++;
    struct slice run = slice_first(c->rest, len);
    c->rest = slice_from(c->rest, len);
    return run;
}

struct slice c_run_until(struct check *c, const char *ends) {
    size_t len = 0;
    while (len < c->rest.len && c->rest.ptr[len] && !strchr(ends, c->rest.ptr[len]))
        len++;
    struct slice run = slice_first(c->rest, len);
    c->rest = slice_from(c->rest, len);
    return run;
}

/* ------------------------------------------------------------------ numbers */

bool c_nil(struct check *c) {
    return c_maybe(c, "NIL");
}

bool c_number_value(struct check *c, uint64_t least, uint64_t *ret) {
    size_t len = 0;
    while (len < c->rest.len && ascii_is_digit(c->rest.ptr[len]))
        len++;
    struct slice digits = slice_first(c->rest, len);
    if (slice_to_u64(digits, INT64_MAX, ret) < 0 || *ret < least ||
        (len > 1 && digits.ptr[0] == '0'))
        return c_fail(c, "a number");
    c->rest = slice_from(c->rest, len);
    return true;
}

bool c_number(struct check *c, uint64_t least) {
    uint64_t value;
    return c_number_value(c, least, &value);
}

static bool set(struct check *c, bool ascending) {
    uint64_t before = 0, first, last;
    do {
        if (!c_number_value(c, 1, &first))
            return false;
        last = first;
        if (c_maybe(c, ":") && !c_number_value(c, 1, &last))
            return false;
        if (first <= before || last < first || last > UINT32_MAX)
            return c_fail(c, "an ascending set");
        before = ascending ? last : 0;
    } while (c_maybe(c, ","));
    return true;
}

bool c_set(struct check *c) {
    return set(c, true);
}

bool c_sorted_set(struct check *c) {
    return set(c, false);
}

/* ------------------------------------------------------------------ strings */

bool c_atom(struct check *c) {
    return c_run_of(c, C_ATOM).len > 0 || c_fail(c, "an atom");
}

static bool literal(struct check *c, bool eight) {
    uint64_t size;
    bool is_eight = eight && c_maybe(c, "~");
    if (!c_byte(c, '{') || !c_number_value(c, 0, &size) || !c_byte(c, '}') || !c_byte(c, '\r') ||
        !c_byte(c, '\n'))
        return false;
    if (c->rest.len < size)
        return c_fail(c, "more octets of a literal");
    if (!is_eight && slice_find_byte(slice_first(c->rest, size), '\0') >= 0)
        return c_fail(c, "a literal without NUL");
    c->rest = slice_from(c->rest, size);
    return true;
}

bool c_string(struct check *c) {
    if (c_next_is(c, '{'))
        return literal(c, false);
    if (!c_maybe(c, "\""))
        return c_fail(c, "a string");
    while (c->rest.len > 0 && c->rest.ptr[0] != '"') {
        unsigned char byte = (unsigned char)c->rest.ptr[0];
        if (byte == '\\') {
            c->rest = slice_from(c->rest, 1);
            if (!c_next_is(c, '"') && !c_next_is(c, '\\'))
                return c_fail(c, "a quoted-special");
        } else if (byte == '\r' || byte == '\n' || byte == '\0' || (byte > 127 && !c->utf8)) {
            return c_fail(c, "a character that may stand in quotes");
        }
        c->rest = slice_from(c->rest, 1);
    }
    return c_maybe(c, "\"") || c_fail(c, "the end of a quoted string");
}

bool c_astring(struct check *c) {
    if (c_next_is(c, '"') || c_next_is(c, '{'))
        return c_string(c);
    return c_run_of(c, C_ASTRING).len > 0 || c_fail(c, "an astring");
}

bool c_nstring(struct check *c) {
    return c_nil(c) || c_string(c);
}

bool c_nstring8(struct check *c) {
    return c_next_is(c, '~') ? literal(c, true) : c_nstring(c);
}

bool c_mailbox(struct check *c) {
    struct check from = *c;
    if (!c_astring(c))
        return false;
    struct slice name = slice_first(from.rest, from.rest.len - c->rest.len);
    if (!slice_eq_nocase(name, S("INBOX")) && !slice_eq_nocase(name, S("\"INBOX\"")))
        return !slice_eq(name, S("NIL")) || c_fail(c, "a name that is not NIL");
    *c = from;
    return c_maybe(c, "INBOX") || c_fail(c, "INBOX");
}

bool c_flags(struct check *c, bool permanent) {
    if (!c_byte(c, '('))
        return false;
    if (c_maybe(c, ")"))
        return true;
    do {
        bool system = c_maybe(c, "\\");
        if (system && permanent && c_maybe(c, "*"))
            continue;
        if (!c_atom(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

bool c_object_id(struct check *c) {
    size_t len = 0;
    while (len < c->rest.len &&
           (ascii_is_alpha(c->rest.ptr[len]) || ascii_is_digit(c->rest.ptr[len]) ||
            c->rest.ptr[len] == '_' || c->rest.ptr[len] == '-'))
        len++;
    if (len == 0 || len > 255)
        return c_fail(c, "an object id");
    c->rest = slice_from(c->rest, len);
    return true;
}

/* ------------------------------------------------------------------ envelopes and structures */

static bool date_time(struct check *c) { /* date-time, two places for the day */
    static const char form[] = "\"DD-Mon-YYYY HH:MM:SS +ZZZZ\"";
    struct slice text = slice_first(c->rest, sizeof form - 1);
    for (size_t i = 0; i < sizeof form - 1; i++) {
        char have = i < text.len ? text.ptr[i] : '\0', want = form[i];
        bool digit = ascii_is_digit(have);
        bool good = want == 'D' ? digit || (i == 1 && have == ' ')
                    : strchr("YHMSZ", want) && !(want == 'M' && form[i + 1] == 'o') ? digit
                    : ascii_is_alpha(want) ? ascii_is_alpha(have)
                    : want == '+'          ? have == '+' || have == '-'
                                           : have == want;
        if (!good)
            return c_fail(c, "a date-time");
    }
    c->rest = slice_from(c->rest, text.len);
    return true;
}

static bool nstrings(struct check *c, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if ((i > 0 && !c_byte(c, ' ')) || !c_nstring(c))
            return false;
    return true;
}

static bool addresses(struct check *c) {
    if (c_nil(c))
        return true;
    if (!c_byte(c, '('))
        return false;
    do {
        if (!c_byte(c, '(') || !nstrings(c, 4) || !c_byte(c, ')'))
            return false;
    } while (c_next_is(c, '('));
    return c_byte(c, ')');
}

static bool envelope(struct check *c) {
    if (!c_byte(c, '(') || !nstrings(c, 2))
        return false;
    for (int i = 0; i < 6; i++)
        if (!c_byte(c, ' ') || !addresses(c))
            return false;
    return c_byte(c, ' ') && nstrings(c, 2) && c_byte(c, ')');
}

static bool parameters(struct check *c) {
    if (c_nil(c))
        return true;
    if (!c_byte(c, '('))
        return false;
    do {
        if (!c_string(c) || !c_byte(c, ' ') || !c_string(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

/*
 * SP dsp SP lang SP loc, behind body-fld-md5 or body-fld-param. RFCs let a server stop earlier;
 * there are clients that show attachments wrongly then, and keep what they have fetched for ever.
 */
static bool extension(struct check *c) {
    if (!c_byte(c, ' '))
        return false;
    if (!c_nil(c) &&
        (!c_byte(c, '(') || !c_string(c) || !c_byte(c, ' ') || !parameters(c) || !c_byte(c, ')')))
        return false;
    if (!c_byte(c, ' '))
        return false;
    if (!c_maybe(c, "("))
        return c_nstring(c) && c_byte(c, ' ') && c_nstring(c);
    do {
        if (!c_string(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')') && c_byte(c, ' ') && c_nstring(c);
}

static bool is_type(struct slice taken, const char *type) {
    struct slice want = slice_of_str(type);
    return taken.len == want.len + 2 && slice_eq_nocase(slice_of(taken.ptr + 1, want.len), want);
}

static bool body(struct check *c, bool extended, unsigned depth) {
    if (depth > DEPTH_MAX)
        return c_fail(c, "less that is nested");
    if (!c_byte(c, '('))
        return false;
    if (c_next_is(c, '(')) {
        do {
            if (!body(c, extended, depth + 1))
                return false;
        } while (c_next_is(c, '('));
        if (!c_byte(c, ' ') || !c_string(c))
            return false;
        if (extended && (!c_byte(c, ' ') || !parameters(c) || !extension(c)))
            return false;
        return c_byte(c, ')');
    }
    struct slice type = c->rest, subtype;
    if (!c_string(c))
        return false;
    type.len -= c->rest.len;
    if (!c_byte(c, ' '))
        return false;
    subtype = c->rest;
    if (!c_string(c))
        return false;
    subtype.len -= c->rest.len;
    if (!c_byte(c, ' ') || !parameters(c) || !c_byte(c, ' ') || !nstrings(c, 2) ||
        !c_byte(c, ' ') || !c_string(c) || !c_byte(c, ' ') || !c_number(c, 0))
        return false;
    bool message = is_type(type, "message") &&
                   (is_type(subtype, "rfc822") || (c->utf8 && is_type(subtype, "global")));
    if (message &&
        (!c_byte(c, ' ') || !envelope(c) || !c_byte(c, ' ') || !body(c, extended, depth + 1)))
        return false;
    if ((message || is_type(type, "text")) && (!c_byte(c, ' ') || !c_number(c, 0)))
        return false;
    if (extended && (!c_byte(c, ' ') || !c_nstring(c) || !extension(c)))
        return false;
    return c_byte(c, ')');
}

/* ------------------------------------------------------------------ attributes */

/* Behind "BODY[" or "BINARY[": up to "]", with the offset behind it. */
static bool section(struct check *c, bool binary) {
    bool parts = false;
    while (c->rest.len > 0 && ascii_is_digit(c->rest.ptr[0])) {
        parts = true;
        if (!c_number(c, 1))
            return false;
        if (!c_maybe(c, "."))
            break;
        if (binary && !(c->rest.len > 0 && ascii_is_digit(c->rest.ptr[0])))
            return c_fail(c, "the number of a part");
    }
    bool dot = parts && c->rest.ptr[-1] == '.';
    if ((dot || !parts) && !binary && !c_next_is(c, ']')) {
        if (c_maybe(c, "HEADER.FIELDS.NOT (") || c_maybe(c, "HEADER.FIELDS (")) {
            do {
                if (!c_astring(c))
                    return false;
            } while (c_maybe(c, " "));
            if (!c_byte(c, ')'))
                return false;
        } else if (!c_maybe(c, "HEADER") && !c_maybe(c, "TEXT") && !(parts && c_maybe(c, "MIME"))) {
            return c_fail(c, "a section");
        }
    } else if (dot) {
        return c_fail(c, "a section behind the dot");
    }
    if (!c_byte(c, ']'))
        return false;
    return !c_maybe(c, "<") || (c_number(c, 0) && c_byte(c, '>'));
}

static bool attribute(struct check *c) {
    if (c_maybe(c, "BODY[") || c_maybe(c, "BINARY[")) {
        bool binary = c->rest.ptr[-2] == 'Y' && c->rest.ptr[-3] == 'R';
        return section(c, binary) && c_byte(c, ' ') && (binary ? c_nstring8(c) : c_nstring(c));
    }
    if (c_maybe(c, "BINARY.SIZE["))
        return section(c, true) && c_byte(c, ' ') && c_number(c, 0);
    if (c_maybe(c, "FLAGS "))
        return c_flags(c, false);
    if (c_maybe(c, "UID "))
        return c_number(c, 1);
    if (c_maybe(c, "RFC822.SIZE "))
        return c_number(c, 0);
    if (c_maybe(c, "RFC822.HEADER ") || c_maybe(c, "RFC822.TEXT ") || c_maybe(c, "RFC822 ") ||
        c_maybe(c, "PREVIEW "))
        return c_nstring(c);
    if (c_maybe(c, "INTERNALDATE "))
        return date_time(c);
    if (c_maybe(c, "SAVEDATE "))
        return c_nil(c) || date_time(c);
    if (c_maybe(c, "ENVELOPE "))
        return envelope(c);
    if (c_maybe(c, "BODYSTRUCTURE "))
        return body(c, true, 0);
    if (c_maybe(c, "BODY "))
        return body(c, false, 0);
    if (c_maybe(c, "MODSEQ ("))
        return c_number(c, 1) && c_byte(c, ')');
    if (c_maybe(c, "THREADID NIL"))
        return true;
    if (c_maybe(c, "EMAILID (") || c_maybe(c, "THREADID ("))
        return c_object_id(c) && c_byte(c, ')');
    return c_fail(c, "an attribute of FETCH");
}

bool c_attributes(struct check *c) {
    if (!c_byte(c, '('))
        return false;
    do {
        if (!attribute(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}
