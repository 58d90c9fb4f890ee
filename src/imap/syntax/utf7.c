/* SPDX-License-Identifier: ISC */
/*
 * Both ways go through groups of six bits: a shift is UTF-16 (big endian) in base64 with "," for
 * "/" and without padding. A shift is decoded behind what was written already, and taken back when
 * it turns out to be none; its length bounds what that costs, as the next one begins behind it.
 */
#include "imap/syntax/utf7.h"

#include "base/encode.h"
#include "base/error.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int digit_value(char c) {
    if (c == '/')
        return -1;
    return base64_value(c == ',' ? '/' : c);
}

static bool is_direct(uint32_t character) {
    return character >= 0x20 && character <= 0x7e;
}

struct bits {
    uint32_t held;
    unsigned count;
};

static void put_unit(struct buf *to, struct bits *b, uint32_t unit) {
    b->held = b->held << 16 | unit;
    b->count += 16;
    while (b->count >= 6) {
        b->count -= 6;
        buf_add_byte(to, digits[b->held >> b->count & 63]);
    }
    b->held &= (1U << b->count) - 1;
}

void utf7_encode(struct buf *to, struct slice utf8) {
    struct bits b = {0};
    bool shifted = false;
    while (utf8.len > 0) {
        uint32_t c;
        size_t len = utf8_decode(utf8, &c);
        MUST(len > 0);
        utf8 = slice_from(utf8, len);
        bool direct = is_direct(c);
        if (shifted && direct) {
            if (b.count > 0)
                buf_add_byte(to, digits[b.held << (6 - b.count) & 63]);
            buf_add_byte(to, '-');
            b = (struct bits){0};
        } else if (!shifted && !direct) {
            buf_add_byte(to, '&');
        }
        shifted = !direct;
        if (direct) {
            buf_add_byte(to, (char)c);
            if (c == '&')
                buf_add_byte(to, '-');
        } else if (c < 0x10000) {
            put_unit(to, &b, c);
        } else {
            put_unit(to, &b, 0xd7c0 + (c >> 10));
            put_unit(to, &b, 0xdc00 + (c & 0x3ff));
        }
    }
    if (shifted) {
        if (b.count > 0)
            buf_add_byte(to, digits[b.held << (6 - b.count) & 63]);
        buf_add_byte(to, '-');
    }
}

/* ------------------------------------------------------------------ reading */

static void put_utf8(struct buf *to, uint32_t c) {
    if (c < 0x80) {
        buf_add_byte(to, (char)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    buf_add_byte(to, (char)(lead[more] | c >> (6 * more)));
    while (more-- > 0)
        buf_add_byte(to, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

/* The next unit of UTF-16; false when the character is broken. `high`: half of one, or 0. */
static bool take_unit(struct buf *to, uint32_t unit, uint32_t *high) {
    bool is_low = unit >= 0xdc00 && unit <= 0xdfff, is_high = unit >= 0xd800 && unit <= 0xdbff;
    if (unit == 0 || is_low != (*high != 0))
        return false;
    if (is_low)
        put_utf8(to, 0x10000 + ((*high & 0x3ff) << 10) + (unit & 0x3ff));
    else if (!is_high)
        put_utf8(to, unit);
    *high = is_high ? unit : 0;
    return true;
}

/* What stands between "&" and "-": 8 digits are 3 characters, of 9 bytes at most. */
static bool decode_shift(struct buf *to, struct slice text) {
    struct bits b = {0};
    uint32_t high = 0;
    for (size_t i = 0; i < text.len; i++) {
        b.held = b.held << 6 | (uint32_t)digit_value(text.ptr[i]);
        b.count += 6;
        if (b.count < 16)
            continue;
        b.count -= 16;
        if (!take_unit(to, b.held >> b.count & 0xffff, &high))
            return false;
        b.held &= (1U << b.count) - 1;
    }
    return high == 0 && b.count < 6 && b.held == 0;
}

void utf7_decode(struct buf *to, struct slice name) {
    while (name.len > 0) {
        ssize_t at = slice_find_byte(name, '&');
        size_t plain = at < 0 ? name.len : (size_t)at;
        buf_add(to, slice_first(name, plain));
        name = slice_from(name, plain);
        if (name.len == 0)
            return;
        size_t end = 1;
        while (end < name.len && digit_value(name.ptr[end]) >= 0)
            end++;
        bool closed = end < name.len && name.ptr[end] == '-';
        size_t before = to->len;
        if (closed && end == 1) {
            buf_add_byte(to, '&');
            end++;
        } else if (closed && decode_shift(to, slice_of(name.ptr + 1, end - 1))) {
            end++;
        } else {
            to->len = before;
            buf_add(to, slice_first(name, end));
        }
        name = slice_from(name, end);
    }
}
