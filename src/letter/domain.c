/* SPDX-License-Identifier: ISC */
#include "letter/domain.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/encode.h"
#include "base/error.h"

static int stop(struct text_fault *fault, size_t at, int code, const char *expected) {
    if (fault)
        *fault = (struct text_fault){at, expected};
    return code;
}

static int check_char(char c, unsigned flags, size_t at, struct text_fault *fault) {
    if (ascii_is_alpha(c) || ascii_is_digit(c) || c == '-')
        return 0;
    if (c == '_' && (flags & DOMAIN_UNDERSCORE))
        return 0;
    if ((unsigned char)c < 0x80)
        return stop(fault, at, -E_SYNTAX,
                    "a domain name is made of letters, digits, hyphens and dots");
    if (flags & DOMAIN_UTF8)
        return 0;
    return stop(fault, at, -EILSEQ, "only ASCII characters are allowed in the domain here");
}

static int check_label(struct slice name, size_t from, size_t to, unsigned flags,
                       struct text_fault *fault) {
    if (to == from)
        return stop(fault, from, -E_SYNTAX, "a domain name has no empty labels");
    for (size_t i = from; i < to; i++) {
        int r = check_char(name.ptr[i], flags, i, fault);
        if (r < 0)
            return r;
    }
    if (to - from > DOMAIN_LABEL_MAX)
        return stop(fault, from, -E_LIMIT, "a label of a domain name has at most 63 characters");
    if (name.ptr[from] == '-' || name.ptr[to - 1] == '-')
        return stop(fault, from, -E_SYNTAX, "a label begins and ends with a letter or digit");
    return 0;
}

static bool all_digits(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    }
    return true;
}

int domain_check(struct slice name, unsigned flags, struct text_fault *fault) {
    if ((flags & DOMAIN_TRAILING_DOT) && name.len > 1 && slice_ends(name, S(".")))
        name.len--;
    if (name.len == 0)
        return stop(fault, 0, -E_SYNTAX, "a domain name is expected here");
    if (name.len > DOMAIN_MAX)
        return stop(fault, DOMAIN_MAX, -E_LIMIT, "a domain name has at most 255 characters");
    size_t from = 0;
    for (;;) {
        ssize_t dot = slice_find_byte(slice_from(name, from), '.');
        size_t to = dot < 0 ? name.len : from + (size_t)dot;
        int r = check_label(name, from, to, flags, fault);
        if (r < 0)
            return r;
        if (to == name.len)
            break;
        from = to + 1;
    }
    if (all_digits(slice_from(name, from)))
        return stop(fault, from, -E_SYNTAX,
                    "the last label of a domain name is not a number; an IP address stands in "
                    "brackets");
    if ((flags & DOMAIN_UTF8) && !utf8_valid(name))
        return stop(fault, 0, -E_SYNTAX, "the domain name has to be valid UTF-8");
    return 0;
}

struct slice domain_fold(struct arena *a, struct slice name) {
    if (slice_ends(name, S(".")))
        name.len--;
    char *text = arena_alloc(a, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        text[i] = ascii_lower(name.ptr[i]);
    return slice_of(text, name.len);
}

int domain_literal(struct arena *a, struct slice text, struct slice *ret) {
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (text.len < 3 || text.ptr[0] != '[' || text.ptr[text.len - 1] != ']')
        return -E_SYNTAX;
    struct slice inner = slice_from(slice_first(text, text.len - 1), 1);
    bool v6 = slice_starts_nocase(inner, S("IPv6:"));
    int family = v6 ? AF_INET6 : AF_INET;
    if (slice_to_str(v6 ? slice_from(inner, 5) : inner, address, sizeof address) < 0 ||
        inet_pton(family, address, bytes) != 1)
        return -E_SYNTAX;
    if (!inet_ntop(family, bytes, address, sizeof address))
        return -E_SYNTAX;
    *ret = arena_printf(a, "[%s%s]", v6 ? "IPv6:" : "", address);
    return 0;
}
