/* SPDX-License-Identifier: ISC */
/*
 * A descent over the bytes whose depth is bounded by the limits. Whether a name stands twice in an
 * object is asked of a map when there are many members.
 */
#include "base/json_read.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/map.h"

#define FEW        16U         /* members that are compared one by one */
#define SAFE_LIMIT (1LL << 53) /* RFC 7493 §2.2 */

struct reader {
    struct slice text;
    size_t at;
    struct arena *arena;
    size_t values; /* that may still come */
    unsigned depth;
};

static int read_value(struct reader *r, struct json_value *v);

static char peek(const struct reader *r) {
    return r->at < r->text.len ? r->text.ptr[r->at] : 0;
}

static void skip_blanks(struct reader *r) {
    while (r->at < r->text.len && slice_find_byte(S(" \t\r\n"), r->text.ptr[r->at]) >= 0)
        r->at++;
}

/* ------------------------------------------------------------------ strings */

static int read_hex(struct reader *r, uint32_t *ret) {
    *ret = 0;
    for (unsigned i = 0; i < 4; i++, r->at++) {
        int digit = hex_value(peek(r));
        if (digit < 0)
            return -E_SYNTAX;
        *ret = *ret << 4 | (uint32_t)digit;
    }
    return 0;
}

/* Behind "\u": a character, or both halves of one. A half alone is none. */
static int read_escaped_character(struct reader *r, struct buf *to) {
    uint32_t c, low;
    char utf8[4];
    if (read_hex(r, &c) < 0)
        return -E_SYNTAX;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!slice_starts(slice_from(r->text, r->at), S("\\u")))
            return -E_SYNTAX;
        r->at += 2;
        if (read_hex(r, &low) < 0 || low < 0xdc00 || low > 0xdfff)
            return -E_SYNTAX;
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
    } else if (c >= 0xdc00 && c < 0xe000) {
        return -E_SYNTAX;
    }
    buf_add_bytes(to, utf8, utf8_encode(utf8, c));
    return 0;
}

static int read_escape(struct reader *r, struct buf *to) {
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = peek(r);
    r->at++;
    if (c == 'u')
        return read_escaped_character(r, to);
    ssize_t which = c ? slice_find_byte(slice_of_str(from), c) : -1;
    if (which < 0 || !from[which]) {
        r->at--;
        return -E_SYNTAX;
    }
    buf_add_byte(to, into[which]);
    return 0;
}

/* From its first quotation mark on. */
static int read_string(struct reader *r, struct slice *ret) {
    _cleanup_(buf_done) struct buf decoded = {0};
    size_t begin = ++r->at;
    bool escapes = false;
    for (;; r->at++) {
        unsigned char c = (unsigned char)peek(r);
        if (c < ' ')
            return -E_SYNTAX;
        if (c == '"')
            break;
        if (c != '\\')
            continue;
        buf_add(&decoded, slice_of(r->text.ptr + begin, r->at - begin));
        escapes = true;
        r->at++;
        if (read_escape(r, &decoded) < 0)
            return -E_SYNTAX;
        begin = r->at--;
    }
    struct slice rest = slice_of(r->text.ptr + begin, r->at - begin);
    r->at++;
    if (escapes)
        buf_add(&decoded, rest);
    *ret = escapes ? arena_copy(r->arena, buf_slice(&decoded)) : rest;
    return utf8_valid(*ret) ? 0 : -E_SYNTAX;
}

/* ------------------------------------------------------------------ numbers and words */

static size_t count_digits(struct reader *r) {
    size_t begin = r->at;
    while (ascii_is_digit(peek(r)))
        r->at++;
    return r->at - begin;
}

static int read_number(struct reader *r, struct json_value *v) {
    size_t begin = r->at;
    r->at += peek(r) == '-';
    bool zero = peek(r) == '0';
    size_t digits = count_digits(r);
    if (digits == 0 || (zero && digits > 1))
        return -E_SYNTAX;
    if (peek(r) == '.') {
        r->at++;
        if (count_digits(r) == 0)
            return -E_SYNTAX;
    }
    if (ascii_lower(peek(r)) == 'e') {
        r->at++;
        r->at += peek(r) == '+' || peek(r) == '-';
        if (count_digits(r) == 0)
            return -E_SYNTAX;
    }
    v->type = JSON_NUMBER;
    v->text = slice_of(r->text.ptr + begin, r->at - begin);
    return 0;
}

static int read_word(struct reader *r, struct json_value *v) {
    static const struct {
        const char *word;
        enum json_type type;
        bool is_true;
    } words[] = {
        {"null", JSON_NULL, false}, {"true", JSON_BOOL, true}, {"false", JSON_BOOL, false}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        struct slice word = slice_of_str(words[i].word);
        if (!slice_starts(slice_from(r->text, r->at), word))
            continue;
        r->at += word.len;
        v->type = words[i].type;
        v->is_true = words[i].is_true;
        return 0;
    }
    return -E_SYNTAX;
}

/* ------------------------------------------------------------------ arrays and objects */

/* The names of an object. */
struct names {
    struct map map; /* used from FEW members on */
    const struct json_value *first;
    size_t count;
};

static bool is_new(struct names *n, const struct json_value *v) {
    if (n->count < FEW) {
        for (const struct json_value *o = n->first; o && o != v; o = o->next)
            if (slice_eq(o->name, v->name))
                return false;
    } else {
        if (n->count == FEW)
            for (const struct json_value *o = n->first; o && o != v; o = o->next)
                map_put(&n->map, o->name, (void *)o);
        if (map_get(&n->map, v->name))
            return false;
        map_put(&n->map, v->name, (void *)v);
    }
    n->count++;
    return true;
}

static int read_member(struct reader *r, struct json_value *v, bool is_object) {
    skip_blanks(r);
    if (!is_object)
        return read_value(r, v);
    if (peek(r) != '"')
        return -E_SYNTAX;
    int error = read_string(r, &v->name);
    skip_blanks(r);
    if (error || peek(r) != ':')
        return -E_SYNTAX;
    r->at++;
    return read_value(r, v);
}

static int read_members(struct reader *r, struct json_value *v, struct names *names) {
    bool is_object = v->type == JSON_OBJECT;
    const char end = is_object ? '}' : ']';
    struct json_value **last = &v->first;
    r->at++;
    skip_blanks(r);
    while (peek(r) != end) {
        struct json_value *member = ARENA_NEW(r->arena, struct json_value);
        int error = read_member(r, member, is_object);
        if (error)
            return error;
        *last = member;
        last = &member->next;
        names->first = v->first;
        if (is_object && !is_new(names, member))
            return -E_SYNTAX;
        v->count++;
        skip_blanks(r);
        if (peek(r) == end)
            break;
        if (peek(r) != ',')
            return -E_SYNTAX;
        r->at++;
        skip_blanks(r);
        if (peek(r) == end)
            return -E_SYNTAX;
    }
    r->at++;
    return 0;
}

static int read_value(struct reader *r, struct json_value *v) {
    struct names names = {0};
    skip_blanks(r);
    if (r->values-- == 0)
        return -E_LIMIT;
    switch (peek(r)) {
    case '"':
        v->type = JSON_STRING;
        return read_string(r, &v->text);
    case '{':
    case '[':
        v->type = peek(r) == '{' ? JSON_OBJECT : JSON_ARRAY;
        if (r->depth-- == 0)
            return -E_LIMIT;
        int error = read_members(r, v, &names);
        map_done(&names.map);
        r->depth++;
        return error;
    case '-':
    case '0' ... '9':
        return read_number(r, v);
    default:
        return read_word(r, v);
    }
}

int json_read(struct slice text, const struct json_limits *limits, struct arena *a,
              struct json_value *ret, size_t *ret_at) {
    struct reader r = {.text = text, .arena = a, .values = limits->values, .depth = limits->depth};
    struct json_value v = {0};
    int error = read_value(&r, &v);
    skip_blanks(&r);
    if (!error && r.at < text.len)
        error = -E_SYNTAX;
    if (ret_at)
        *ret_at = r.at;
    if (!error)
        *ret = v;
    return error;
}

/* ------------------------------------------------------------------ values */

const struct json_value *json_member(const struct json_value *object, const char *name) {
    if (object->type != JSON_OBJECT)
        return NULL;
    for (const struct json_value *v = object->first; v; v = v->next)
        if (slice_eq(v->name, slice_of_str(name)))
            return v;
    return NULL;
}

int json_to_int(const struct json_value *value, int64_t *ret) {
    struct slice digits = value->text;
    uint64_t number;
    if (value->type != JSON_NUMBER)
        return -E_SYNTAX;
    bool negative = digits.ptr[0] == '-';
    if (negative)
        digits = slice_from(digits, 1);
    int error = slice_to_u64(digits, SAFE_LIMIT - 1, &number);
    if (!error)
        *ret = negative ? -(int64_t)number : (int64_t)number;
    return error;
}
