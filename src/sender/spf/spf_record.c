/* SPDX-License-Identifier: ISC */
#include "sender/spf/spf_record.h"

#include <arpa/inet.h>

#include "sender/spf/spf_macro.h"

static const struct {
    const char *name;
    bool wants_domain, may_have_domain, may_have_bits;
} mechanisms[SPF_MECHANISMS] = {
    [SPF_ALL] = {"all", false, false, false}, [SPF_INCLUDE] = {"include", true, true, false},
    [SPF_A] = {"a", false, true, true},       [SPF_MX] = {"mx", false, true, true},
    [SPF_PTR] = {"ptr", false, true, false},  [SPF_IP4] = {"ip4", true, true, false},
    [SPF_IP6] = {"ip6", true, true, false},   [SPF_EXISTS] = {"exists", true, true, false},
};

/* ------------------------------------------------------------------ addresses */

/* Without zeros in front: "0", "24". */
static bool read_bits(struct slice text, unsigned most, unsigned *ret) {
    uint64_t bits;
    if (text.len == 0 || text.len > 3 || (text.ptr[0] == '0' && text.len > 1) ||
        slice_to_u64(text, most, &bits) < 0)
        return false;
    *ret = (unsigned)bits;
    return true;
}

/* Digits at the end of the text behind the last slash of it; false: none. */
static bool cut_bits(struct slice *text, struct slice *ret_digits) {
    size_t at = text->len;
    while (at > 0 && ascii_is_digit(text->ptr[at - 1]))
        at--;
    if (at == 0 || at == text->len || text->ptr[at - 1] != '/')
        return false;
    *ret_digits = slice_from(*text, at);
    *text = slice_first(*text, at - 1);
    return true;
}

/* dual-cidr-length at the end of a term, "/24", "//64" or "/24//64", taken off. */
static bool take_bits(struct slice *text, struct spf_term *t) {
    struct slice digits;
    if (!cut_bits(text, &digits))
        return true;
    if (text->len == 0 || text->ptr[text->len - 1] != '/')
        return read_bits(digits, 32, &t->bits4);
    *text = slice_first(*text, text->len - 1);
    if (!read_bits(digits, 128, &t->bits6))
        return false;
    return !cut_bits(text, &digits) || read_bits(digits, 32, &t->bits4);
}

static bool read_network(struct slice text, int family, struct net_range *ret) {
    char host[INET6_ADDRSTRLEN];
    ssize_t slash = slice_find_byte(text, '/');
    struct slice address = slash < 0 ? text : slice_first(text, (size_t)slash);
    ret->bits = family == AF_INET ? 32 : 128;
    if (slash >= 0 && !read_bits(slice_from(text, (size_t)slash + 1), ret->bits, &ret->bits))
        return false;
    if (slice_to_str(address, host, sizeof host) < 0)
        return false;
    ret->base.any.sa_family = (sa_family_t)family; /* a mapped address is that of no client here */
    void *to = family == AF_INET ? (void *)&ret->base.in.sin_addr : &ret->base.in6.sin6_addr;
    return inet_pton(family, host, to) == 1;
}

/* ------------------------------------------------------------------ terms */

static bool read_mechanism(struct slice name, struct spf_term *t) {
    for (size_t i = 0; i < SPF_MECHANISMS; i++)
        if (slice_eq_nocase(name, slice_of_str(mechanisms[i].name))) {
            t->mechanism = (enum spf_mechanism)i;
            return true;
        }
    return false;
}

static bool read_directive(struct slice text, struct spf_term *t) {
    static const enum spf_result results[] = {SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL};
    ssize_t sign = slice_find_byte(S("+-~?"), text.ptr[0]);
    *t = (struct spf_term){.result = SPF_PASS, .text = text, .bits4 = 32, .bits6 = 128};
    if (sign >= 0) {
        t->result = results[sign];
        text = slice_from(text, 1);
    }
    size_t end = 0;
    while (end < text.len && text.ptr[end] != ':' && text.ptr[end] != '/')
        end++;
    if (!read_mechanism(slice_first(text, end), t))
        return false;
    bool has_domain = end < text.len && text.ptr[end] == ':';
    struct slice rest = slice_from(text, has_domain ? end + 1 : end);
    if (has_domain ? !mechanisms[t->mechanism].may_have_domain
                   : mechanisms[t->mechanism].wants_domain)
        return false;
    if (t->mechanism == SPF_IP4 || t->mechanism == SPF_IP6)
        return read_network(rest, t->mechanism == SPF_IP4 ? AF_INET : AF_INET6, &t->range);
    if (mechanisms[t->mechanism].may_have_bits && !take_bits(&rest, t))
        return false;
    t->domain = rest;
    return has_domain ? spf_is_domain_spec(rest) : rest.len == 0;
}

/* The length of "name" in a modifier "name=value"; 0: it is none. */
static size_t modifier_name(struct slice text) {
    size_t at = 0;
    if (text.len == 0 || !ascii_is_alpha(text.ptr[0]))
        return 0;
    while (at < text.len && (ascii_is_alpha(text.ptr[at]) || ascii_is_digit(text.ptr[at]) ||
                             text.ptr[at] == '-' || text.ptr[at] == '_' || text.ptr[at] == '.'))
        at++;
    return at < text.len && text.ptr[at] == '=' ? at : 0;
}

static bool read_modifier(struct slice text, size_t name_len, struct spf_record *r) {
    struct slice name = slice_first(text, name_len), value = slice_from(text, name_len + 1);
    struct slice *known = slice_eq_nocase(name, S("redirect")) ? &r->redirect
                          : slice_eq_nocase(name, S("exp"))    ? &r->explanation
                                                               : NULL;
    if (!known)
        return spf_is_macro_string(value, false);
    if (known->len > 0 || !spf_is_domain_spec(value))
        return false;
    *known = value;
    return true;
}

/* ------------------------------------------------------------------ records */

#define VERSION S("v=spf1")

bool spf_record_is(struct slice text) {
    return slice_starts_nocase(text, VERSION) &&
           (text.len == VERSION.len || text.ptr[VERSION.len] == ' ');
}

int spf_record_read(struct slice text, struct arena *a, struct spf_record *ret,
                    struct slice *ret_wrong) {
    struct slice rest = slice_from(text, VERSION.len), word;
    struct spf_record r = {0};
    size_t most = 0;
    for (struct slice all = rest; slice_next(&all, ' ', &word);)
        most += word.len > 0;
    r.terms = arena_array(a, most, sizeof *r.terms);
    while (slice_next(&rest, ' ', &word)) {
        if (word.len == 0)
            continue;
        size_t name_len = modifier_name(word);
        bool right = name_len > 0 ? read_modifier(word, name_len, &r)
                                  : read_directive(word, &r.terms[r.count]);
        if (!right) {
            *ret_wrong = word;
            return -E_SYNTAX;
        }
        r.count += name_len == 0;
    }
    *ret = r;
    return 0;
}
