/* SPDX-License-Identifier: ISC */
#include "message/srs.h"

#include "base/siphash.h"

#define LOCAL_MAX 64U
#define HASH_LEN  6U   /* digits of 5 bits */
#define DAYS      1024 /* in two digits */
#define FIRST     "SRS0"
#define LATER     "SRS1"
#define HEAD      5U /* bytes before the hash: "SRS0=" */

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static void add_digits(struct buf *to, uint64_t value, unsigned count) {
    while (count-- > 0)
        buf_add_byte(to, digits[value >> 5 * count & 31]);
}

static void add_hash(const struct srs *s, struct slice text, struct arena *a, struct buf *to) {
    add_digits(to, siphash_keyed(arena_lower(a, text), s->key), HASH_LEN);
}

bool srs_is(struct slice local) {
    return local.len > HEAD &&
           (slice_starts_nocase(local, S(FIRST)) || slice_starts_nocase(local, S(LATER))) &&
           (local.ptr[4] == '=' || local.ptr[4] == '+' || local.ptr[4] == '-');
}

/* What an unquoted local part may be made of (RFC 5321 §4.1.2), so that nothing needs quotes. */
static bool is_plain(struct slice local) {
    for (size_t i = 0; i < local.len; i++) {
        char c = local.ptr[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            slice_find_byte(S("!#$%&'*+-/=?^_`{|}~."), c) < 0)
            return false;
    }
    return local.len > 0;
}

struct slice srs_forward(const struct srs *s, struct slice address, struct arena *a) {
    ssize_t at = slice_rfind_byte(address, '@');
    struct slice local = slice_first(address, at < 0 ? 0 : (size_t)at);
    struct slice domain = slice_from(address, at < 0 ? 0 : (size_t)at + 1);
    _cleanup_(buf_done) struct buf rest = {0};
    _cleanup_(buf_done) struct buf made = {0};
    if (!is_plain(local) || domain.len == 0 || domain.ptr[0] == '[')
        return S("");
    bool again = srs_is(local);
    if (again && slice_starts_nocase(local, S(LATER)) && slice_find(local, S("==")) >= 0) {
        /* the first host stays the one behind it: SRS1=hash=first==X */
        struct slice behind = slice_from(local, HEAD);
        ssize_t hash_end = slice_find_byte(behind, '=');
        buf_add(&rest, slice_from(behind, hash_end < 0 ? 0 : (size_t)hash_end + 1));
    } else if (again && slice_starts_nocase(local, S(FIRST))) {
        buf_add(&rest, domain);
        buf_add_byte(&rest, '=');
        buf_add(&rest, slice_from(local, 4)); /* with its separator */
    } else {
        again = false;
        add_digits(&rest, (uint64_t)s->day % DAYS, 2);
        buf_printf(&rest, "=%.*s=%.*s", SLICE_ARG(domain), SLICE_ARG(local));
    }
    buf_add_str(&made, again ? LATER "=" : FIRST "=");
    add_hash(s, buf_slice(&rest), a, &made);
    buf_add_byte(&made, '=');
    buf_add(&made, buf_slice(&rest));
    if (made.len > LOCAL_MAX)
        return S("");
    return arena_printf(a, "%.*s@%.*s", SLICE_ARG(buf_slice(&made)), SLICE_ARG(s->host));
}

/* ------------------------------------------------------------------ back */

static int digit_value(char c) {
    ssize_t at = slice_find_byte(slice_of(digits, 32), ascii_lower(c));
    return (int)at;
}

static bool is_recent(const struct srs *s, struct slice stamp) {
    int high = stamp.len == 2 ? digit_value(stamp.ptr[0]) : -1;
    int low = stamp.len == 2 ? digit_value(stamp.ptr[1]) : -1;
    if (high < 0 || low < 0)
        return false;
    int64_t age = (s->day % DAYS - (high * 32 + low) + DAYS) % DAYS;
    return age <= SRS_DAYS || age == DAYS - 1; /* a clock that was a day ahead */
}

static bool is_ours(const struct srs *s, struct slice hash, struct slice rest, struct arena *a) {
    _cleanup_(buf_done) struct buf made = {0};
    add_hash(s, rest, a, &made);
    return slice_eq_nocase(buf_slice(&made), hash);
}

int srs_back(const struct srs *s, struct slice local, struct arena *a, struct slice *ret) {
    struct slice hash, stamp, domain, rest;
    if (!srs_is(local))
        return -E_SYNTAX;
    bool again = slice_starts_nocase(local, S(LATER));
    rest = slice_from(local, HEAD);
    if (!slice_next(&rest, '=', &hash) || !is_ours(s, hash, rest, a))
        return -E_REFUSED;
    if (!again && (!slice_next(&rest, '=', &stamp) || !is_recent(s, stamp)))
        return -E_REFUSED;
    if (!slice_next(&rest, '=', &domain) || domain.len == 0 || rest.len == 0)
        return -E_REFUSED;
    *ret = again ? arena_printf(a, FIRST "%.*s@%.*s", SLICE_ARG(rest), SLICE_ARG(domain))
                 : arena_printf(a, "%.*s@%.*s", SLICE_ARG(rest), SLICE_ARG(domain));
    return 0;
}
