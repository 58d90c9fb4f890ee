/* SPDX-License-Identifier: ISC */
#include "sender/dmarc/dmarc_record.h"

#include "base/encode.h"

const char *dmarc_policy_name(enum dmarc_policy policy) {
    static const char *const names[] = {"none", "quarantine", "reject"};
    return names[policy];
}

/* The piece up to the next ";", as name and value; false: there is none any more. */
static bool next_pair(struct slice *rest, struct slice *ret_name, struct slice *ret_value) {
    struct slice piece;
    if (!slice_next(rest, ';', &piece))
        return false;
    ssize_t equals = slice_find_byte(piece, '=');
    *ret_name = slice_trim(slice_first(piece, equals < 0 ? piece.len : (size_t)equals));
    *ret_value = equals < 0 ? S("") : slice_trim(slice_from(piece, (size_t)equals + 1));
    return true;
}

bool dmarc_record_is(struct slice text) {
    struct slice name, value;
    return next_pair(&text, &name, &value) && slice_eq(name, S("v")) &&
           slice_eq(value, S("DMARC1"));
}

/* ------------------------------------------------------------------ values */

/* True, and the policy, if it is one. */
static bool read_policy(struct slice value, enum dmarc_policy *ret) {
    for (unsigned i = DMARC_POLICY_NONE; i <= DMARC_POLICY_REJECT; i++)
        if (slice_eq_nocase(value, slice_of_str(dmarc_policy_name((enum dmarc_policy)i)))) {
            *ret = (enum dmarc_policy)i;
            return true;
        }
    return false;
}

struct reading {
    struct dmarc_record *to;
    bool has_p, has_sp, has_np;
    bool wrong; /* sp= or np= say something else */
};

/* What is for domains below, the first time it is said. */
static void read_below(struct reading *r, struct slice value, bool *has, enum dmarc_policy *ret) {
    enum dmarc_policy policy;
    bool right = read_policy(value, &policy);
    if (right && !*has)
        *ret = policy;
    *has |= right;
    r->wrong |= !right;
}

static void read_pair(struct reading *r, struct slice name, struct slice value, struct arena *a) {
    struct dmarc_record *to = r->to;
    if (slice_eq_nocase(name, S("p")))
        r->has_p |= !r->has_p && read_policy(value, &to->p);
    else if (slice_eq_nocase(name, S("sp")))
        read_below(r, value, &r->has_sp, &to->sp);
    else if (slice_eq_nocase(name, S("np")))
        read_below(r, value, &r->has_np, &to->np);
    else if (slice_eq_nocase(name, S("adkim")))
        to->strict_dkim = slice_eq_nocase(value, S("s"));
    else if (slice_eq_nocase(name, S("aspf")))
        to->strict_spf = slice_eq_nocase(value, S("s"));
    else if (slice_eq_nocase(name, S("t")))
        to->testing = slice_eq_nocase(value, S("y"));
    else if (slice_eq_nocase(name, S("psd")))
        to->psd = slice_eq_nocase(value, S("y"))   ? DMARC_PSD_YES
                  : slice_eq_nocase(value, S("n")) ? DMARC_PSD_NO
                                                   : DMARC_PSD_UNKNOWN;
    else if (slice_eq_nocase(name, S("rua")))
        to->rua = arena_copy(a, value);
    else if (slice_eq_nocase(name, S("ruf")))
        to->ruf = arena_copy(a, value);
    else if (slice_eq_nocase(name, S("fo")))
        to->fo = arena_copy(a, value);
}

void dmarc_record_read(struct slice text, struct arena *a, struct dmarc_record *ret) {
    struct reading r = {.to = ret};
    struct slice name, value, rua, address;
    *ret = (struct dmarc_record){.fo = S("0")};
    while (next_pair(&text, &name, &value))
        read_pair(&r, name, value, a);
    rua = ret->rua;
    const bool right = r.has_p && !r.wrong;
    ret->has_policy = right || dmarc_next_address(&rua, a, &address);
    if (!right)
        ret->p = ret->sp = ret->np = DMARC_POLICY_NONE;
    ret->sp = r.has_sp ? ret->sp : ret->p;
    ret->np = r.has_np ? ret->np : ret->sp;
}

/* ------------------------------------------------------------------ addresses */

/* "%2C" is a comma: RFC 6068 §2. */
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

bool dmarc_next_address(struct slice *rest, struct arena *a, struct slice *ret) {
    struct slice piece;
    while (slice_next(rest, ',', &piece)) {
        piece = slice_trim(piece);
        if (!slice_starts_nocase(piece, S("mailto:")))
            continue;
        ssize_t limit = slice_rfind_byte(piece, '!'); /* "!10m" at the end goes */
        piece = slice_first(piece, limit < 0 ? piece.len : (size_t)limit);
        struct slice address = decode(slice_from(piece, 7), a);
        ssize_t at = slice_rfind_byte(address, '@');
        if (at <= 0 || (size_t)at + 1 == address.len)
            continue;
        *ret = address;
        return true;
    }
    return false;
}
