/* SPDX-License-Identifier: ISC */
#include "policy/tlsrpt_record.h"

#include "base/encode.h"
#include "base/error.h"

#define VERSION S("v=TLSRPTv1")

bool tlsrpt_record_is(struct slice text) {
    struct slice rest = slice_trim(slice_from(text, VERSION.len));
    return slice_starts(text, VERSION) && rest.len > 0 && rest.ptr[0] == ';';
}

static int read_rua(struct slice text, struct slice *ret) {
    struct slice piece;
    while (slice_next(&text, ';', &piece)) {
        ssize_t equals = slice_find_byte(piece, '=');
        if (equals < 0 || !slice_eq(slice_trim(slice_first(piece, (size_t)equals)), S("rua")))
            continue;
        *ret = slice_trim(slice_from(piece, (size_t)equals + 1));
        return ret->len > 0 ? 0 : -E_SYNTAX;
    }
    return -E_SYNTAX;
}

int tlsrpt_record_find(const struct dns_answer *answer, struct slice *ret_rua) {
    const struct slice *found = NULL;
    if (answer->code == DNS_NXDOMAIN || answer->code == DNS_NODATA)
        return -E_UNKNOWN;
    if (answer->code != DNS_OK)
        return -E_TEMPORARY;
    for (size_t i = 0; i < answer->count; i++) {
        const struct slice *text = &answer->records[i].bytes;
        if (!tlsrpt_record_is(*text))
            continue;
        if (found)
            return -E_SYNTAX;
        found = text;
    }
    return found ? read_rua(*found, ret_rua) : -E_UNKNOWN;
}

/* "%2C" is a comma: RFC 3986 §2.1. */
static struct slice decode(struct slice text, struct arena *a) {
    char *to = arena_alloc(a, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len && text.ptr[i] == '%' ? hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
        to[len++] = low >= 0 ? (char)(high * 16 + low) : text.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return slice_of(to, len);
}

/* Printable and without blanks, of a length that a destination has. */
static bool is_plain(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
            return false;
    return s.len <= 512;
}

bool tlsrpt_next_destination(struct slice *rua, struct arena *a, enum tlsrpt_way *ret_way,
                             struct slice *ret) {
    struct slice piece;
    while (slice_next(rua, ',', &piece)) {
        piece = slice_trim(piece);
        if (slice_starts_nocase(piece, S("https://")) && piece.len > 8 && is_plain(piece)) {
            *ret_way = TLSRPT_HTTPS;
            *ret = arena_copy(a, piece);
            return true;
        }
        if (!slice_starts_nocase(piece, S("mailto:")))
            continue;
        ssize_t query = slice_find_byte(piece, '?'); /* "?subject=..." is of no use here */
        struct slice address =
            decode(slice_from(slice_first(piece, query < 0 ? piece.len : (size_t)query), 7), a);
        ssize_t at = slice_rfind_byte(address, '@');
        if (at <= 0 || (size_t)at + 1 == address.len || !is_plain(address))
            continue;
        *ret_way = TLSRPT_MAIL;
        *ret = address;
        return true;
    }
    return false;
}
