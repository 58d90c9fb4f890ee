/* SPDX-License-Identifier: ISC */
#include "message/mime.h"

#define COMMENT_DEPTH 100U

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind blanks and comments (RFC 5322 §3.2.2). */
static struct slice pass_gap(struct slice s) {
    unsigned depth = 0;
    size_t i = 0;
    for (; i < s.len && (depth > 0 || is_blank(s.ptr[i]) || s.ptr[i] == '('); i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '(' && ++depth > COMMENT_DEPTH)
            return slice_from(s, s.len);
        else if (s.ptr[i] == ')')
            depth--;
    }
    return slice_from(s, MIN(i, s.len));
}

/* RFC 2045 §5.1 token; as readers do it, with whatever else stands before the next special. */
static struct slice read_token(struct slice *s) {
    size_t n = 0;
    while (n < s->len && !is_blank(s->ptr[n]) && slice_find_byte(S("();=\"/"), s->ptr[n]) < 0)
        n++;
    struct slice token = slice_first(*s, n);
    *s = pass_gap(slice_from(*s, n));
    return token;
}

/* The value of a parameter as it stands, with its quotes. */
static struct slice read_value(struct slice *s) {
    bool quoted = s->len > 0 && s->ptr[0] == '"';
    size_t n = quoted ? 1 : 0;
    while (n < s->len && (quoted ? s->ptr[n] != '"' : !is_blank(s->ptr[n]) && s->ptr[n] != ';'))
        n += quoted && s->ptr[n] == '\\' ? 2 : 1;
    struct slice value = slice_first(*s, MIN(n + quoted, s->len));
    *s = pass_gap(slice_from(*s, value.len));
    return value;
}

/* Without quotes, and without the blanks at its end (RFC 2046 §5.1.1). Too long: empty. */
static struct slice boundary_of(struct arena *a, struct slice value) {
    char text[MIME_BOUNDARY_MAX];
    bool quoted = slice_starts(value, S("\""));
    size_t len = 0, end = 0;
    for (size_t i = quoted ? 1 : 0; i < value.len && !(quoted && value.ptr[i] == '"'); i++) {
        if (quoted && value.ptr[i] == '\\' && i + 1 < value.len)
            i++;
        if (len < sizeof text)
            text[len] = value.ptr[i];
        len++;
        end = is_blank(value.ptr[i]) ? end : len;
    }
    return end == 0 || end > sizeof text ? S("") : arena_copy(a, slice_of(text, end));
}

static bool pass(struct slice *s, char c) {
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = pass_gap(slice_from(*s, 1));
    return true;
}

static struct slice lower(struct arena *a, struct slice major, struct slice minor) {
    char *text = arena_alloc(a, major.len + minor.len + 1);
    for (size_t i = 0; i < major.len; i++)
        text[i] = ascii_lower(major.ptr[i]);
    text[major.len] = '/';
    for (size_t i = 0; i < minor.len; i++)
        text[major.len + 1 + i] = ascii_lower(minor.ptr[i]);
    return slice_of(text, major.len + minor.len + 1);
}

struct mime_type mime_type_read(struct arena *a, struct slice value) {
    struct mime_type found = {0};
    struct slice boundary = S("");
    struct slice s = pass_gap(value);
    struct slice major = read_token(&s);
    if (major.len == 0 || !pass(&s, '/'))
        return found;
    struct slice minor = read_token(&s);
    if (minor.len == 0)
        return found;
    found.type = lower(a, major, minor);
    while (s.len > 0) {
        if (!pass(&s, ';')) { /* something that should not be there */
            s = slice_from(s, 1);
            continue;
        }
        struct slice name = read_token(&s);
        if (!pass(&s, '='))
            continue;
        struct slice written = read_value(&s);
        if (boundary.len == 0 && slice_eq_nocase(name, S("boundary")))
            boundary = slice_eq(written, S("\"\"")) ? S("") : written;
    }
    found.boundary = boundary_of(a, boundary);
    return found;
}

enum mime_encoding mime_encoding_read(struct slice value) {
    static const struct {
        struct slice name;
        enum mime_encoding encoding;
    } known[] = {
        {{"", 0}, MIME_PLAIN},        {{"7bit", 4}, MIME_PLAIN},
        {{"8bit", 4}, MIME_PLAIN},    {{"binary", 6}, MIME_PLAIN},
        {{"base64", 6}, MIME_BASE64}, {{"quoted-printable", 16}, MIME_QUOTED_PRINTABLE},
    };
    struct slice s = pass_gap(value);
    struct slice name = read_token(&s);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (slice_eq_nocase(name, known[i].name))
            return known[i].encoding;
    }
    return MIME_UNKNOWN;
}
