/* SPDX-License-Identifier: ISC */
#include "base/json.h"

#include "base/encode.h"
#include "base/error.h"

static void before_value(struct json *j) {
    if (j->after_key)
        j->after_key = false;
    else if (j->depth > 0 && j->filled[j->depth - 1])
        buf_add_byte(j->to, ',');
    if (j->depth > 0)
        j->filled[j->depth - 1] = true;
}

static void open_level(struct json *j, char opener, char closer) {
    before_value(j);
    MUST(j->depth < JSON_DEPTH);
    buf_add_byte(j->to, opener);
    j->filled[j->depth] = false;
    j->closers[j->depth] = closer;
    j->depth++;
}

void json_object(struct json *j) {
    open_level(j, '{', '}');
}

void json_array(struct json *j) {
    open_level(j, '[', ']');
}

void json_end(struct json *j) {
    MUST(j->depth > 0 && !j->after_key);
    j->depth--;
    buf_add_byte(j->to, j->closers[j->depth]);
}

/* RFC 8259 §7: above U+FFFF as a surrogate pair. */
static void add_escaped(struct buf *to, uint32_t c) {
    if (c > 0xffff) {
        buf_printf(to, "\\u%04x", 0xd800 + (unsigned)((c - 0x10000) >> 10));
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    buf_printf(to, "\\u%04x", (unsigned)c);
}

static void add_quoted(struct buf *to, struct slice s) {
    buf_add_byte(to, '"');
    while (s.len > 0) {
        uint32_t c = 0xfffd;
        size_t n = utf8_decode(s, &c);
        if (c == '"' || c == '\\')
            buf_printf(to, "\\%c", (char)c);
        else if (c == '\n')
            buf_add_str(to, "\\n");
        else if (c == '\r')
            buf_add_str(to, "\\r");
        else if (c == '\t')
            buf_add_str(to, "\\t");
        else if (n == 0 || utf8_is_hidden(c))
            add_escaped(to, c);
        else
            buf_add(to, slice_first(s, n));
        s = slice_from(s, MAX(n, (size_t)1));
    }
    buf_add_byte(to, '"');
}

void json_key(struct json *j, const char *name) {
    before_value(j);
    add_quoted(j->to, slice_of_str(name));
    buf_add_byte(j->to, ':');
    j->after_key = true;
}

void json_slice(struct json *j, struct slice text) {
    before_value(j);
    add_quoted(j->to, text);
}

void json_str(struct json *j, const char *text) {
    json_slice(j, slice_of_str(text));
}

void json_int(struct json *j, int64_t number) {
    before_value(j);
    buf_printf(j->to, "%lld", (long long)number);
}

void json_bool(struct json *j, bool value) {
    before_value(j);
    buf_add_str(j->to, value ? "true" : "false");
}

void json_null(struct json *j) {
    before_value(j);
    buf_add_str(j->to, "null");
}
