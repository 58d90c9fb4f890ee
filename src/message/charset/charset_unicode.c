/* SPDX-License-Identifier: ISC */
/*
 * Unicode's own forms. A byte order mark at the beginning is no part of the text. What is a
 * surrogate by itself, or beyond U+10FFFF, becomes U+FFFD.
 */
#include "message/charset/charset_decode.h"

#define MARK     0xfeffU
#define LAST     0x10ffffU
#define UNIT_MAX 0xffffU

static bool is_high(uint32_t c) {
    return c >= 0xd800 && c < 0xdc00;
}

static bool is_low(uint32_t c) {
    return c >= 0xdc00 && c < 0xe000;
}

static uint32_t join(uint32_t high, uint32_t low) {
    return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

static void put(struct charset_state *st, struct charset_out *o, uint32_t c) {
    bool mark = c == MARK && !st->begun;
    st->begun = true;
    if (!mark)
        charset_put(o, c > LAST || is_high(c) || is_low(c) ? CHARSET_UNREADABLE : c);
}

/* ------------------------------------------------------------------ UTF-8 */

/* One character; bytes that are none are passed over one by one. 0: it is unfinished. */
static size_t take_utf8(struct charset_state *st, struct charset_out *o, struct slice bytes,
                        bool more) {
    uint32_t c = 0;
    size_t read = utf8_decode(bytes, &c);
    if (read == 0 && more && utf8_is_cut(bytes))
        return 0;
    put(st, o, read > 0 ? c : CHARSET_UNREADABLE);
    return MAX(read, (size_t)1);
}

size_t charset_utf8(struct charset_state *st, struct charset_out *o, struct slice bytes,
                    bool more) {
    size_t at = 0;
    while (at < bytes.len) {
        size_t len = charset_plain(o, slice_from(bytes, at));
        st->begun = st->begun || len > 0;
        if (len == 0)
            len = take_utf8(st, o, slice_from(bytes, at), more);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

/* ------------------------------------------------------------------ UTF-16, UTF-32 */

static uint32_t unit(struct slice s, size_t at, unsigned size, bool big) {
    uint32_t c = 0;
    for (unsigned i = 0; i < size; i++)
        c = c << 8 | charset_byte(s, at + (big ? i : size - 1 - i));
    return c;
}

/* Bytes that are left over at the very end are one sign. */
static size_t leave(struct charset_out *o, struct slice bytes, size_t at, bool more) {
    if (more || at == bytes.len)
        return at;
    charset_put(o, CHARSET_UNREADABLE);
    return bytes.len;
}

static size_t decode_utf16(struct charset_state *st, struct charset_out *o, struct slice bytes,
                           bool more, bool big) {
    size_t at = 0;
    while (bytes.len - at >= 2) {
        uint32_t c = unit(bytes, at, 2, big);
        bool whole = bytes.len - at >= 4;
        if (is_high(c) && !whole && more)
            return at;
        uint32_t low = is_high(c) && whole ? unit(bytes, at + 2, 2, big) : 0;
        put(st, o, is_low(low) ? join(c, low) : c);
        at += is_low(low) ? 4 : 2;
    }
    return leave(o, bytes, at, more);
}

static size_t decode_utf32(struct charset_state *st, struct charset_out *o, struct slice bytes,
                           bool more, bool big) {
    size_t at = 0;
    for (; bytes.len - at >= 4; at += 4)
        put(st, o, unit(bytes, at, 4, big));
    return leave(o, bytes, at, more);
}

size_t charset_utf16be(struct charset_state *st, struct charset_out *o, struct slice bytes,
                       bool more) {
    return decode_utf16(st, o, bytes, more, true);
}

size_t charset_utf16le(struct charset_state *st, struct charset_out *o, struct slice bytes,
                       bool more) {
    return decode_utf16(st, o, bytes, more, false);
}

size_t charset_utf32be(struct charset_state *st, struct charset_out *o, struct slice bytes,
                       bool more) {
    return decode_utf32(st, o, bytes, more, true);
}

size_t charset_utf32le(struct charset_state *st, struct charset_out *o, struct slice bytes,
                       bool more) {
    return decode_utf32(st, o, bytes, more, false);
}

/* ------------------------------------------------------------------ UTF-7 (RFC 2152) */

/* A unit of UTF-16 out of base64. */
static void add_unit(struct charset_state *st, struct charset_out *o, uint16_t c) {
    uint16_t high = st->high;
    st->high = 0;
    if (high && is_low(c)) {
        put(st, o, join(high, c));
        return;
    }
    if (high)
        put(st, o, high);
    if (is_high(c))
        st->high = c;
    else
        put(st, o, c);
}

/* Up to five bits without meaning fill the last digit. */
static void end_base64(struct charset_state *st, struct charset_out *o) {
    if (st->high || st->bit_count >= 6 || (st->bits & ((1U << st->bit_count) - 1)) != 0)
        put(st, o, CHARSET_UNREADABLE);
    st->high = 0;
    st->bits = 0;
    st->bit_count = 0;
    st->shifted = false;
}

static void add_in_base64(struct charset_state *st, struct charset_out *o, uint8_t b) {
    int digit = base64_value((char)b);
    bool lone_plus = st->lone_plus;
    st->lone_plus = false;
    if (digit < 0) {
        end_base64(st, o);
        if (b != '-')
            charset_put(o, b < 0x80 ? b : CHARSET_UNREADABLE);
        else if (lone_plus)
            charset_put(o, '+');
        return;
    }
    st->bits = st->bits << 6 | (uint32_t)digit;
    st->bit_count += 6;
    if (st->bit_count >= 16) {
        st->bit_count -= 16;
        add_unit(st, o, (uint16_t)(st->bits >> st->bit_count & UNIT_MAX));
    }
}

size_t charset_utf7(struct charset_state *st, struct charset_out *o, struct slice bytes,
                    bool more) {
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t b = charset_byte(bytes, i);
        if (st->shifted) {
            add_in_base64(st, o, b);
        } else if (b == '+') {
            st->shifted = true;
            st->lone_plus = true;
        } else {
            charset_put(o, b < 0x80 ? b : CHARSET_UNREADABLE);
        }
    }
    if (!more && st->shifted)
        end_base64(st, o);
    return bytes.len;
}
