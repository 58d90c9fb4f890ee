/* SPDX-License-Identifier: ISC */
#include "message/mime/mime_value.h"

#include "message/cfws.h"

#define NUMBER_MAX 99999U /* of a piece */

/* A parameter as it was written, or a piece of one. */
struct piece {
    struct slice name; /* without what RFC 2231 puts behind it */
    struct slice value;
    size_t number;
    bool in_pieces, extended, done;
};

static bool is_in(char c, struct slice set) {
    return slice_find_byte(set, c) >= 0;
}

/* RFC 2045 §5.1 token; as readers do it, with whatever else stands before the next special. */
static struct slice read_token(struct slice *s) {
    size_t n = 0;
    while (n < s->len && !ascii_is_space(s->ptr[n]) && !is_in(s->ptr[n], S("();=\"/")))
        n++;
    struct slice token = slice_first(*s, n);
    *s = cfws_pass(slice_from(*s, n));
    return token;
}

/* Without the backslashes; `s` begins behind the quote. Copied only if there are some. */
static struct slice read_quoted(struct arena *a, struct slice *s) {
    size_t n = 0, escapes = 0;
    while (n < s->len && s->ptr[n] != '"') {
        bool escape = s->ptr[n] == '\\' && n + 1 < s->len;
        escapes += escape;
        n += escape ? 2 : 1;
    }
    struct slice written = slice_first(*s, n);
    *s = cfws_pass(slice_from(*s, n + 1));
    if (escapes == 0)
        return written;
    char *text = arena_alloc(a, written.len - escapes);
    size_t len = 0;
    for (size_t i = 0; i < written.len; i++) {
        if (written.ptr[i] == '\\' && i + 1 < written.len)
            i++;
        text[len++] = written.ptr[i];
    }
    return slice_of(text, len);
}

/* Up to a blank or ";". A file's name goes on behind blanks, up to ";" or a comment. */
static struct slice read_bare(struct slice *s, bool is_file) {
    size_t n = 0;
    while (n < s->len && s->ptr[n] != ';' && (is_file || !ascii_is_space(s->ptr[n])) &&
           !(is_file && n > 0 && s->ptr[n] == '(' && ascii_is_blank(s->ptr[n - 1])))
        n++;
    struct slice value = slice_trim_lines(slice_first(*s, n));
    *s = cfws_pass(slice_from(*s, n));
    return value;
}

/* "name*3*" of RFC 2231 §3; a name that only ends with "*" is whole, and keeps it. */
static void split_name(struct piece *p) {
    struct slice name = p->name;
    bool extended = slice_ends(name, S("*"));
    name.len -= extended;
    ssize_t star = slice_rfind_byte(name, '*');
    uint64_t number = 0;
    if (star <= 0 || slice_to_u64(slice_from(name, (size_t)star + 1), NUMBER_MAX, &number) < 0)
        return;
    p->name = slice_first(name, (size_t)star);
    p->number = (size_t)number;
    p->extended = extended;
    p->in_pieces = true;
}

static struct piece *read_pieces(struct arena *a, struct slice s, size_t *ret_count) {
    size_t count = 0, room = 0;
    for (size_t i = 0; i < s.len && room < MIME_PARAMETERS_MAX; i++)
        room += s.ptr[i] == ';';
    struct piece *pieces = arena_array(a, room, sizeof *pieces);
    while (s.len > 0 && count < room) {
        if (s.ptr[0] != ';') { /* something that should not be there */
            ssize_t next = slice_find_byte(s, ';');
            s = slice_from(s, next < 0 ? s.len : (size_t)next);
            continue;
        }
        s = cfws_pass(slice_from(s, 1));
        struct piece p = {.name = read_token(&s)};
        if (s.len == 0 || s.ptr[0] != '=')
            continue;
        s = cfws_pass(slice_from(s, 1));
        if (slice_starts(s, S("\""))) {
            s = slice_from(s, 1);
            p.value = read_quoted(a, &s);
        } else {
            p.value = read_bare(&s, slice_eq_nocase(p.name, S("name")) ||
                                        slice_eq_nocase(p.name, S("filename")));
        }
        if (p.name.len == 0)
            continue;
        split_name(&p);
        pieces[count++] = p;
    }
    *ret_count = count;
    return pieces;
}

static int compare_pieces(const void *one, const void *other) {
    const struct piece *a = *(struct piece *const *)one, *b = *(struct piece *const *)other;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* RFC 2231 §7: what of a piece that is not extended may stand in an extended one. */
static size_t add_encoded(char *to, struct slice value) {
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c > 32 && c < 127 && !is_in((char)c, S("*'%()<>@,;:\\\"/[]?="))) {
            to[len++] = (char)c;
            continue;
        }
        to[len++] = '%';
        to[len++] = digits[c >> 4];
        to[len++] = digits[c & 15];
    }
    return len;
}

/* The pieces of one name from the first on, as one parameter. */
static struct mime_parameter join(struct arena *a, struct piece *first, const struct piece *end) {
    struct piece **of_it = arena_array(a, (size_t)(end - first), sizeof(struct piece *));
    size_t count = 0, room = first->name.len + 1 + 2;
    bool extended = false;
    for (struct piece *p = first; p < end; p++) {
        if (!p->in_pieces || p->done || !slice_eq_nocase(p->name, first->name))
            continue;
        p->done = true;
        extended |= p->extended;
        room += 3 * p->value.len;
        of_it[count++] = p;
    }
    qsort(of_it, count, sizeof(struct piece *), compare_pieces);
    char *text = arena_alloc(a, room);
    memcpy(text, first->name.ptr, first->name.len);
    size_t name = first->name.len;
    if (extended)
        text[name++] = '*';
    char *value = text + name;
    size_t len = 0;
    if (extended && !of_it[0]->extended) { /* no character set, no language */
        value[len++] = '\'';
        value[len++] = '\'';
    }
    for (size_t i = 0; i < count; i++) {
        struct slice v = of_it[i]->value;
        if (i > 0 && of_it[i]->number == of_it[i - 1]->number)
            continue;
        if (extended && !of_it[i]->extended) {
            len += add_encoded(value + len, v);
        } else if (v.len > 0) {
            memcpy(value + len, v.ptr, v.len);
            len += v.len;
        }
    }
    return (struct mime_parameter){slice_of(text, name), slice_of(value, len)};
}

struct mime_value mime_value_read(struct arena *a, struct slice value) {
    struct mime_value found = {0};
    struct slice s = cfws_pass(value);
    found.major = read_token(&s);
    if (s.len > 0 && s.ptr[0] == '/') {
        s = cfws_pass(slice_from(s, 1));
        found.minor = read_token(&s);
    }
    size_t count = 0;
    struct piece *pieces = read_pieces(a, s, &count);
    found.parameters = arena_array(a, count, sizeof *found.parameters);
    for (size_t i = 0; i < count; i++) {
        struct piece *p = &pieces[i];
        if (p->in_pieces && !p->done)
            found.parameters[found.count++] = join(a, p, pieces + count);
        else if (!p->in_pieces)
            found.parameters[found.count++] = (struct mime_parameter){p->name, p->value};
    }
    return found;
}

struct slice mime_value_read_name(struct slice value) {
    struct slice s = cfws_pass(value);
    return read_token(&s);
}

struct slice mime_parameter(const struct mime_value *v, struct slice name) {
    for (size_t i = 0; i < v->count; i++) {
        if (v->parameters[i].value.len > 0 && slice_eq_nocase(v->parameters[i].name, name))
            return v->parameters[i].value;
    }
    return S("");
}

/* ------------------------------------------------------------------ what a part is taken for */

static struct mime_parameter us_ascii[] = {{{"charset", 7}, {"us-ascii", 8}}};

struct mime_value mime_type_valid(struct mime_value type, bool in_digest) {
    if (type.major.len > 0 && type.minor.len > 0)
        return type;
    if (type.major.len == 0 && in_digest)
        return (struct mime_value){.major = S("message"), .minor = S("rfc822")};
    if (type.major.len == 0)
        return (struct mime_value){S("text"), S("plain"), us_ascii, ARRAY_SIZE(us_ascii)};
    bool text = slice_eq_nocase(type.major, S("text"));
    type.major = text ? S("text") : S("application");
    type.minor = text ? S("plain") : S("octet-stream");
    return type;
}

enum mime_kind mime_kind_of(const struct mime_value *type) {
    if (slice_eq_nocase(type->major, S("multipart")))
        return MIME_MULTIPART;
    if (slice_eq_nocase(type->major, S("message")) &&
        (slice_eq_nocase(type->minor, S("rfc822")) || slice_eq_nocase(type->minor, S("global"))))
        return MIME_MESSAGE;
    return MIME_LEAF;
}
