/* SPDX-License-Identifier: ISC */
/*
 * Names. The text form is what people and logs see and what the rest of the program compares, so
 * it has one spelling per name: lower case, no closing dot, escapes only where they are needed.
 */
#include "dns/message.h"

#define REVERSED_LEN 64U /* of an IPv6 address: 32 digits, each with a dot */

static bool is_plain(unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '.' && c != '\\' && c != '"' && c != '(' && c != ')' &&
           c != ';' && c != '@' && c != '$';
}

static void add_label(struct buf *text, struct slice label) {
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = (unsigned char)label.ptr[i];
        if (is_plain(c)) {
            buf_add_byte(text, ascii_lower((char)c));
        } else if (c > 0x20 && c < 0x7f) {
            buf_add_byte(text, '\\');
            buf_add_byte(text, (char)c);
        } else {
            buf_printf(text, "\\%03u", c);
        }
    }
}

int dns_name_read(struct slice *wire, struct arena *a, struct slice *ret_text) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice rest = *wire;
    size_t used = 0;
    for (;;) {
        if (rest.len == 0)
            return -E_SYNTAX;
        size_t len = (unsigned char)rest.ptr[0];
        used += 1 + len;
        if (len > DNS_LABEL_SIZE || used > DNS_NAME_WIRE || rest.len < 1 + len)
            return -E_SYNTAX;
        struct slice label = slice_first(slice_from(rest, 1), len);
        rest = slice_from(rest, 1 + len);
        if (len == 0)
            break;
        if (text.len)
            buf_add_byte(&text, '.');
        add_label(&text, label);
    }
    *wire = rest;
    *ret_text = arena_copy(a, text.len ? buf_slice(&text) : S("."));
    return 0;
}

/* Reads "\." or "\DDD" behind the backslash at text[at]; moves `*at` to its last byte. */
static int read_escape(struct slice text, size_t *at, char *ret) {
    size_t left = text.len - *at - 1;
    if (left == 0)
        return -E_SYNTAX;
    if (!ascii_is_digit(text.ptr[*at + 1])) {
        *at += 1;
        *ret = text.ptr[*at];
        return (unsigned char)*ret < 0x80 ? 0 : -E_SYNTAX;
    }
    uint64_t byte;
    if (left < 3 || slice_to_u64(slice_first(slice_from(text, *at + 1), 3), 255, &byte) < 0)
        return -E_SYNTAX;
    *at += 3;
    *ret = (char)(unsigned char)byte;
    return 0;
}

/* A name's wire form in the making: `label` is the place of the open label's length byte. */
struct name_writer {
    char *wire;
    size_t len, label;
};

static int end_label(struct name_writer *w) {
    size_t len = w->len - w->label - 1;
    if (len == 0)
        return -E_SYNTAX;
    if (w->len + 1 > DNS_NAME_WIRE)
        return -E_LIMIT;
    w->wire[w->label] = (char)len;
    w->label = w->len++;
    return 0;
}

int dns_name_write(struct slice text, char wire[static DNS_NAME_WIRE], size_t *ret_len) {
    struct name_writer w = {wire, 1, 0};
    if (text.len == 0)
        return -E_SYNTAX;
    if (slice_eq(text, S("."))) {
        wire[0] = 0;
        *ret_len = 1;
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int r;
        if (c == '.') {
            r = end_label(&w);
        } else {
            r = c > 0x20 && c < 0x7f ? 0 : -E_SYNTAX;
            if (c == '\\')
                r = read_escape(text, &i, &c);
            if (r == 0 && (w.len - w.label > DNS_LABEL_SIZE || w.len + 1 >= DNS_NAME_WIRE))
                r = -E_LIMIT;
            if (r == 0)
                wire[w.len++] = c;
        }
        if (r < 0)
            return r;
    }
    bool closed = w.len == w.label + 1;
    int r = closed ? 0 : end_label(&w);
    if (r < 0)
        return r;
    wire[w.label] = 0;
    *ret_len = w.label + 1;
    return 0;
}

static struct slice without_dot(struct slice name) {
    bool escaped = name.len > 1 && name.ptr[name.len - 2] == '\\';
    if (name.len > 1 && name.ptr[name.len - 1] == '.' && !escaped)
        name.len--;
    return name;
}

bool dns_name_same(struct slice one, struct slice other) {
    return slice_eq_nocase(without_dot(one), without_dot(other));
}

struct slice dns_reverse_name(struct arena *a, struct slice address) {
    const unsigned char *b = (const unsigned char *)address.ptr;
    if (address.len == 4)
        return arena_printf(a, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
    MUST(address.len == 16);
    char text[REVERSED_LEN + sizeof "ip6.arpa"];
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        char *to = text + i * 4;
        to[0] = digits[b[15 - i] & 15];
        to[1] = '.';
        to[2] = digits[b[15 - i] >> 4];
        to[3] = '.';
    }
    memcpy(text + REVERSED_LEN, "ip6.arpa", sizeof "ip6.arpa");
    return arena_copy(a, slice_of(text, sizeof text - 1));
}
