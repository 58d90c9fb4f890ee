/* SPDX-License-Identifier: ISC */
#include "message/address/domain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/words.h"

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
                    N_("a domain name is made of letters, digits, hyphens and dots"));
    return stop(fault, at, -EILSEQ, N_("only ASCII characters are allowed in the domain here"));
}

static int check_label(struct slice name, size_t from, size_t to, unsigned flags,
                       struct text_fault *fault) {
    if (to == from)
        return stop(fault, from, -E_SYNTAX, N_("a domain name has no empty labels"));
    for (size_t i = from; i < to; i++) {
        int r = check_char(name.ptr[i], flags, i, fault);
        if (r < 0)
            return r;
    }
    if (to - from > DOMAIN_LABEL_MAX)
        return stop(fault, from, -E_LIMIT,
                    N_("a label of a domain name has at most 63 characters"));
    if (name.ptr[from] == '-' || name.ptr[to - 1] == '-')
        return stop(fault, from, -E_SYNTAX, N_("a label begins and ends with a letter or digit"));
    return 0;
}

int domain_check(struct slice name, unsigned flags, struct text_fault *fault) {
    if ((flags & DOMAIN_TRAILING_DOT) && name.len > 1 && slice_ends(name, S(".")))
        name.len--;
    if (name.len == 0)
        return stop(fault, 0, -E_SYNTAX, N_("a domain name is expected here"));
    if (name.len > DOMAIN_MAX)
        return stop(fault, DOMAIN_MAX, -E_LIMIT, N_("a domain name has at most 255 characters"));
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
    size_t digits = 0;
    while (from + digits < name.len && ascii_is_digit(name.ptr[from + digits]))
        digits++;
    if (from + digits == name.len)
        return stop(fault, from, -E_SYNTAX,
                    N_("the last label of a domain name is not a number; an IP address stands in "
                       "brackets"));
    return 0;
}

struct slice domain_fold(struct arena *a, struct slice name) {
    if (slice_ends(name, S(".")))
        name.len--;
    return arena_lower(a, name);
}

/* ------------------------------------------------------------------ IDNA */

/* The full stops of RFC 3490 §3.1, which people with an input method write. Length of the one at
 * the front, or 0. */
static size_t full_stop(struct slice s) {
    static const struct slice stops[] = {{".", 1}, {"\u3002", 3}, {"\uff0e", 3}, {"\uff61", 3}};
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        if (slice_starts(s, stops[i]))
            return stops[i].len;
    }
    return 0;
}

static bool is_a_label(struct slice label) {
    return slice_starts_nocase(label, S("xn--"));
}

static bool is_ascii(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

static int idna_fault(int code, struct slice label, size_t at, struct text_fault *fault) {
    switch (code) {
    case IDN2_TOO_BIG_LABEL:
    case IDN2_TOO_BIG_DOMAIN:
    case IDN2_PUNYCODE_BIG_OUTPUT:
        return stop(fault, at, -E_LIMIT,
                    N_("a label of a domain name has at most 63 characters, as xn--..."));
    case IDN2_ENCODING_ERROR:
        return stop(fault, at, -E_SYNTAX, N_("the domain name has to be valid UTF-8"));
    case IDN2_HYPHEN_STARTEND:
    case IDN2_2HYPHEN:
        return stop(
            fault, at, -E_SYNTAX,
            N_("a label does not begin or end with a hyphen, and has none as both its third "
               "and fourth character"));
    default:
        break;
    }
    if (is_a_label(label))
        return stop(fault, at, -E_SYNTAX,
                    N_("behind \"xn--\" stands no valid Punycode (RFC 5891)"));
    return stop(
        fault, at, -E_SYNTAX,
        N_("a character here cannot stand in an internationalised domain name (IDNA 2008)"));
}

/* Appends one label as A-label; what comes out is still to be checked. */
static int add_label(struct buf *to, struct slice label, size_t at, struct text_fault *fault) {
    char text[DOMAIN_TEXT_MAX + 1];
    uint8_t *ascii = NULL;
    if (is_ascii(label) && !is_a_label(label)) {
        buf_add(to, label);
        return 0;
    }
    if (slice_to_str(label, text, sizeof text) < 0)
        return stop(fault, at, -E_SYNTAX,
                    N_("a domain name is made of letters, digits and hyphens"));
    int r = idn2_lookup_u8((const uint8_t *)text, &ascii,
                           IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT | IDN2_NO_ALABEL_ROUNDTRIP);
    if (r != IDN2_OK)
        return idna_fault(r, label, at, fault);
    buf_add_str(to, (const char *)ascii);
    idn2_free(ascii);
    return 0;
}

static int to_a_labels(struct buf *to, struct slice text, struct text_fault *fault) {
    struct slice rest = text;
    for (;;) {
        size_t len = 0;
        while (len < rest.len && full_stop(slice_from(rest, len)) == 0)
            len++;
        struct slice label = slice_first(rest, len);
        int r = add_label(to, label, (size_t)(label.ptr - text.ptr), fault);
        if (r < 0)
            return r;
        rest = slice_from(rest, label.len);
        if (rest.len == 0)
            return 0;
        buf_add_byte(to, '.');
        rest = slice_from(rest, full_stop(rest));
    }
}

int domain_canonical(struct arena *a, struct slice text, unsigned flags, struct slice *ret,
                     struct text_fault *fault) {
    _cleanup_(buf_done) struct buf name = {0};
    bool ascii = is_ascii(text), convert = !ascii && (flags & DOMAIN_UTF8);
    if (text.len > DOMAIN_TEXT_MAX)
        return stop(fault, DOMAIN_MAX, -E_LIMIT, N_("a domain name has at most 255 characters"));
    for (struct slice rest = text, label; ascii && !convert && slice_next(&rest, '.', &label);)
        convert = is_a_label(label);
    if (convert) {
        int r = to_a_labels(&name, text, fault);
        if (r < 0)
            return r;
        text = buf_slice(&name);
    }
    int r = domain_check(text, flags, fault);
    if (r == 0)
        *ret = domain_fold(a, text);
    return r;
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
