/* SPDX-License-Identifier: ISC */
#include "message/mime.h"

#include "message/cfws.h"

/* RFC 2045 §5.1 token; as readers do it, with whatever else stands before the next special. */
static struct slice read_token(struct slice *s) {
    size_t n = 0;
    while (n < s->len && !ascii_is_space(s->ptr[n]) && slice_find_byte(S("();=\"/"), s->ptr[n]) < 0)
        n++;
    struct slice token = slice_first(*s, n);
    *s = cfws_pass(slice_from(*s, n));
    return token;
}

/* The value of a parameter as it stands, with its quotes. */
static struct slice read_value(struct slice *s) {
    bool quoted = s->len > 0 && s->ptr[0] == '"';
    size_t n = quoted ? 1 : 0;
    while (n < s->len &&
           (quoted ? s->ptr[n] != '"' : !ascii_is_space(s->ptr[n]) && s->ptr[n] != ';'))
        n += quoted && s->ptr[n] == '\\' ? 2 : 1;
    struct slice value = slice_first(*s, MIN(n + quoted, s->len));
    *s = cfws_pass(slice_from(*s, value.len));
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
        end = ascii_is_space(value.ptr[i]) ? end : len;
    }
    return end == 0 || end > sizeof text ? S("") : arena_copy(a, slice_of(text, end));
}

static bool pass(struct slice *s, char c) {
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = cfws_pass(slice_from(*s, 1));
    return true;
}

struct mime_type mime_type_read(struct arena *a, struct slice value) {
    struct mime_type found = {0};
    struct slice boundary = S("");
    struct slice s = cfws_pass(value);
    struct slice major = read_token(&s);
    if (major.len == 0 || !pass(&s, '/'))
        return found;
    struct slice minor = read_token(&s);
    if (minor.len == 0)
        return found;
    char *type = arena_alloc(a, major.len + minor.len + 1);
    (void)slice_lower(major, type);
    type[major.len] = '/';
    (void)slice_lower(minor, type + major.len + 1);
    found.type = slice_of(type, major.len + minor.len + 1);
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
    struct slice s = cfws_pass(value);
    struct slice name = read_token(&s);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (slice_eq_nocase(name, known[i].name))
            return known[i].encoding;
    }
    return MIME_UNKNOWN;
}
