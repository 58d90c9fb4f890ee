/* SPDX-License-Identifier: ISC */
#include "sender/spf/spf_macro.h"

#include <arpa/inet.h>

#include "dns/message.h"

#define NAME_MAX_TEXT 253U /* §7.3 */

/* "%{l1r-}" */
struct macro {
    char letter;  /* lower case; 0: "%%", "%_" or "%-", as `plain` has it */
    bool escapes; /* it was a capital */
    const char *plain;
    unsigned keep; /* parts from the right; 0: all */
    bool reverse;
    struct slice delimiters; /* empty: "." */
};

static bool is_delimiter(char c) {
    return slice_find_byte(S(".-+,/_="), c) >= 0;
}

/* One that begins at a "%": its length, or 0. */
static size_t read_macro(struct slice text, struct macro *m) {
    static const char *const plain[] = {"%", " ", "%20"};
    *m = (struct macro){0};
    if (text.len < 2)
        return 0;
    ssize_t which = slice_find_byte(S("%_-"), text.ptr[1]);
    if (which >= 0) {
        m->plain = plain[which];
        return 2;
    }
    if (text.ptr[1] != '{' || text.len < 4)
        return 0;
    m->letter = ascii_lower(text.ptr[2]);
    m->escapes = text.ptr[2] != m->letter;
    size_t at = 3, digits = at;
    for (; at < text.len && ascii_is_digit(text.ptr[at]); at++)
        m->keep = MIN(m->keep * 10 + (unsigned)(text.ptr[at] - '0'), 1000U);
    if (slice_find_byte(S("slodiphcrtv"), m->letter) < 0 || (at > digits && m->keep == 0))
        return 0;
    m->reverse = at < text.len && ascii_lower(text.ptr[at]) == 'r';
    at += m->reverse;
    size_t delimiters = at;
    while (at < text.len && is_delimiter(text.ptr[at]))
        at++;
    m->delimiters = slice_of(text.ptr + delimiters, at - delimiters);
    return at < text.len && text.ptr[at] == '}' ? at + 1 : 0;
}

/* ------------------------------------------------------------------ syntax */

/* Whether it is a macro string, and whether a macro is the last of it. */
static bool read_string(struct slice text, bool explanation, bool *ret_macro_last) {
    struct macro m;
    *ret_macro_last = false;
    while (text.len > 0) {
        const unsigned char c = (unsigned char)text.ptr[0];
        size_t len = c == '%' ? read_macro(text, &m) : (c > ' ' || explanation) && c < 0x7f;
        if (len == 0 || c < ' ' ||
            (c == '%' && !explanation && m.letter && slice_find_byte(S("crt"), m.letter) >= 0))
            return false;
        *ret_macro_last = c == '%';
        text = slice_from(text, len);
    }
    return true;
}

bool spf_is_macro_string(struct slice text, bool explanation) {
    bool macro_last;
    return read_string(text, explanation, &macro_last);
}

/* toplabel: letters, digits and hyphens, not digits alone, no hyphen at either end. */
static bool is_top_label(struct slice label) {
    bool plain = label.len > 0 && label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
    bool digits = true;
    for (size_t i = 0; plain && i < label.len; i++) {
        digits &= ascii_is_digit(label.ptr[i]);
        plain = ascii_is_alpha(label.ptr[i]) || ascii_is_digit(label.ptr[i]) || label.ptr[i] == '-';
    }
    return plain && !digits;
}

bool spf_is_domain_spec(struct slice text) {
    bool macro_last;
    if (!read_string(text, false, &macro_last) || text.len == 0)
        return false;
    if (macro_last)
        return true;
    if (text.ptr[text.len - 1] == '.')
        text.len--;
    ssize_t dot = slice_rfind_byte(text, '.');
    return dot >= 0 && is_top_label(slice_from(text, (size_t)dot + 1));
}

bool spf_asks_for_name(struct slice text) {
    struct macro m;
    while (text.len > 0) {
        size_t len = text.ptr[0] == '%' ? read_macro(text, &m) : 1;
        if (text.ptr[0] == '%' && m.letter == 'p')
            return true;
        text = slice_from(text, MAX(len, (size_t)1));
    }
    return false;
}

/* ------------------------------------------------------------------ values */

/* %{i}: an IPv6 address is 32 nibbles with dots between them. */
static void add_address(const struct net_addr *client, struct buf *to) {
    char text[NET_TEXT_SIZE];
    if (client->any.sa_family == AF_INET) {
        buf_add(to, net_format_host(client, text));
        return;
    }
    const unsigned char *bytes = client->in6.sin6_addr.s6_addr;
    for (unsigned i = 0; i < 32; i++)
        buf_printf(to, "%s%x", i > 0 ? "." : "", i % 2 ? bytes[i / 2] & 15U : bytes[i / 2] >> 4);
}

static void add_value(char letter, const struct spf_macro_values *v, struct buf *to) {
    char text[NET_TEXT_SIZE];
    switch (letter) {
    case 's':
        buf_printf(to, "%.*s@%.*s", SLICE_ARG(v->local_part), SLICE_ARG(v->sender_domain));
        break;
    case 'l':
        buf_add(to, v->local_part);
        break;
    case 'o':
        buf_add(to, v->sender_domain);
        break;
    case 'd':
        buf_add(to, v->domain);
        break;
    case 'i':
        add_address(v->client, to);
        break;
    case 'p':
        buf_add(to, v->client_name);
        break;
    case 'v':
        buf_add_str(to, v->client->any.sa_family == AF_INET ? "in-addr" : "ip6");
        break;
    case 'h':
        buf_add(to, v->helo);
        break;
    case 'c':
        buf_add(to, net_format_host(v->client, text));
        break;
    case 'r':
        buf_add(to, v->host);
        break;
    case 't':
        buf_printf(to, "%lld", (long long)v->now);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ expanding */

/* Unreserved bytes of RFC 3986 stay as they are. */
static void add_escaped(struct slice text, bool escapes, struct buf *to) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = ascii_is_alpha(c) || ascii_is_digit(c) || slice_find_byte(S("-._~"), c) >= 0;
        if (plain || !escapes)
            buf_add_byte(to, c);
        else
            buf_printf(to, "%%%02X", (unsigned char)c);
    }
}

/* The next part of a value, up to a delimiter. False: there was none any more. */
static bool next_part(struct slice *rest, struct slice delimiters, struct slice *ret) {
    size_t at = 0;
    if (!rest->ptr)
        return false;
    while (at < rest->len && slice_find_byte(delimiters, rest->ptr[at]) < 0)
        at++;
    *ret = slice_first(*rest, at);
    *rest = at < rest->len ? slice_from(*rest, at + 1) : slice_of(NULL, 0);
    return true;
}

static void add_macro(const struct macro *m, const struct spf_macro_values *v, struct buf *to) {
    _cleanup_(buf_done) struct buf value = {0};
    struct slice delimiters = m->delimiters.len > 0 ? m->delimiters : S("."), part;
    size_t count = 0;
    add_value(m->letter, v, &value);
    if (m->keep == 0 && !m->reverse && m->delimiters.len == 0) {
        add_escaped(buf_slice(&value), m->escapes, to);
        return;
    }
    const struct slice all = slice_of(buf_str(&value), value.len);
    for (struct slice rest = all; next_part(&rest, delimiters, &part);)
        count++;
    /* The right-hand parts of what may be reversed are the left-hand ones of what is not. */
    size_t keep = m->keep > 0 ? MIN(m->keep, count) : count;
    size_t first = m->reverse ? 0 : count - keep, i = 0;
    _cleanup_(buf_done) struct buf kept = {0};
    for (struct slice rest = all; next_part(&rest, delimiters, &part); i++) {
        if (i < first || i >= first + keep)
            continue;
        if (!m->reverse) {
            if (i > first)
                buf_add_byte(to, '.');
            add_escaped(part, m->escapes, to);
            continue;
        }
        buf_add_bytes(&kept, &part, sizeof part);
    }
    const struct slice *parts = (const void *)kept.ptr;
    for (size_t left = kept.len / sizeof part; left > 0; left--) {
        add_escaped(parts[left - 1], m->escapes, to);
        if (left > 1)
            buf_add_byte(to, '.');
    }
}

void spf_expand(struct slice text, const struct spf_macro_values *values, struct buf *to) {
    struct macro m;
    while (text.len > 0 && to->len <= SPF_EXPANDED_MAX) {
        size_t len = text.ptr[0] == '%' ? read_macro(text, &m) : 0;
        if (len == 0)
            buf_add_byte(to, text.ptr[0]);
        else if (m.plain)
            buf_add_str(to, m.plain);
        else
            add_macro(&m, values, to);
        text = slice_from(text, MAX(len, (size_t)1));
    }
}

/* ------------------------------------------------------------------ names */

/* Labels in the text form of DNS, in which a backslash, a blank and the like are escaped. */
static struct slice name_text(struct slice name, struct arena *a) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < name.len; i++) {
        const unsigned char c = (unsigned char)name.ptr[i];
        if (c > ' ' && c < 0x7f && slice_find_byte(S("\\\"();@$"), (char)c) < 0)
            buf_add_byte(&text, (char)c);
        else
            buf_printf(&text, "\\%03u", c);
    }
    return arena_copy(a, buf_slice(&text));
}

bool spf_expand_name(struct slice spec, const struct spf_macro_values *values, struct arena *a,
                     struct slice *ret) {
    _cleanup_(buf_done) struct buf expanded = {0};
    char wire[DNS_NAME_WIRE];
    size_t wire_len;
    spf_expand(spec, values, &expanded);
    struct slice name = buf_slice(&expanded);
    if (name.len > SPF_EXPANDED_MAX)
        return false;
    if (slice_ends(name, S(".")))
        name.len--;
    while (name.len > NAME_MAX_TEXT) {
        ssize_t dot = slice_find_byte(name, '.');
        if (dot < 0)
            return false;
        name = slice_from(name, (size_t)dot + 1);
    }
    struct slice text = name_text(name, a);
    if (text.len == 0 || dns_name_write(text, wire, &wire_len) < 0)
        return false;
    *ret = text;
    return true;
}
