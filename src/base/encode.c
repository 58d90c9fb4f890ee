/* SPDX-License-Identifier: ISC */
#include "base/encode.h"

#include "base/error.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void base64_encode(struct buf *to, struct slice s) {
    buf_reserve(to, s.len / 3 * 4 + 4);
    for (; s.len > 0; s = slice_from(s, 3)) {
        uint32_t group = (uint32_t)(uint8_t)s.ptr[0] << 16;
        if (s.len > 1)
            group |= (uint32_t)(uint8_t)s.ptr[1] << 8;
        if (s.len > 2)
            group |= (uint8_t)s.ptr[2];
        char text[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63],
                        s.len > 1 ? base64_digits[group >> 6 & 63] : '=',
                        s.len > 2 ? base64_digits[group & 63] : '='};
        buf_add_bytes(to, text, sizeof text);
    }
}

int base64_decode(struct arena *a, struct slice text, struct slice *ret) {
    if (text.len % 4 != 0)
        return -E_SYNTAX;
    size_t padding = slice_ends(text, S("==")) ? 2 : slice_ends(text, S("=")) ? 1 : 0;
    size_t digits = text.len - padding;
    char *bytes = arena_alloc(a, text.len / 4 * 3 + 1);
    size_t len = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int v = base64_value(text.ptr[i]);
        if (v < 0)
            return -E_SYNTAX;
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 == 3) {
            bytes[len++] = (char)(bits >> 16);
            bytes[len++] = (char)(bits >> 8);
            bytes[len++] = (char)bits;
            bits = 0;
        }
    }
    if (padding == 1) {
        bytes[len++] = (char)(bits >> 10);
        bytes[len++] = (char)(bits >> 2);
        if (bits & 3)
            return -E_SYNTAX;
    } else if (padding == 2) {
        bytes[len++] = (char)(bits >> 4);
        if (bits & 15)
            return -E_SYNTAX;
    }
    *ret = slice_of(bytes, len);
    return 0;
}

void hex_encode(struct buf *to, struct slice s) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.len; i++) {
        buf_add_byte(to, digits[(uint8_t)s.ptr[i] >> 4]);
        buf_add_byte(to, digits[(uint8_t)s.ptr[i] & 15]);
    }
}

int hex_value(char c) {
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(struct arena *a, struct slice text, struct slice *ret) {
    if (text.len % 2 != 0)
        return -E_SYNTAX;
    char *bytes = arena_alloc(a, text.len / 2 + 1);
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_value(text.ptr[i]);
        int low = hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return -E_SYNTAX;
        bytes[i / 2] = (char)(high << 4 | low);
    }
    *ret = slice_of(bytes, text.len / 2);
    return 0;
}

/* Length of the well-formed sequence at the front of `s`, or 0 (RFC 3629 §4). */
static size_t utf8_sequence(struct slice s) {
    uint8_t a = (uint8_t)s.ptr[0];
    if (a < 0x80)
        return 1;
    size_t len = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;
    if (a < 0xc2 || a > 0xf4 || s.len < len)
        return 0;
    uint8_t b = (uint8_t)s.ptr[1];
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) ||
        (a == 0xf4 && b > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)s.ptr[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

/* Most text is ASCII for long stretches: how many bytes of it are at the front, in words of 8. */
static size_t ascii_words(struct slice s) {
    size_t n = 0;
    for (uint64_t word; n + sizeof word <= s.len; n += sizeof word) {
        memcpy(&word, s.ptr + n, sizeof word);
        if (word & 0x8080808080808080U)
            break;
    }
    return n;
}

bool utf8_valid(struct slice s) {
    while (s.len > 0) {
        size_t n = (uint8_t)s.ptr[0] < 0x80 ? ascii_words(s) : 0;
        if (n == 0)
            n = utf8_sequence(s);
        if (n == 0)
            return false;
        s = slice_from(s, n);
    }
    return true;
}

bool utf8_is_cut(struct slice s) {
    uint8_t lead = (uint8_t)s.ptr[0];
    size_t wants = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, good = 1;
    while (good < MIN(s.len, wants) && ((uint8_t)s.ptr[good] & 0xc0) == 0x80)
        good++;
    return good == s.len && good < wants;
}

size_t utf8_decode(struct slice s, uint32_t *ret) {
    size_t len = utf8_sequence(s);
    if (len == 0)
        return 0;
    uint8_t first = (uint8_t)s.ptr[0];
    uint32_t c = len == 1 ? first : first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)s.ptr[i] & 0x3f);
    *ret = c;
    return len;
}

bool utf8_is_hidden(uint32_t character) {
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad},   {0x061c, 0x061c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        if (character >= hidden[i].first && character <= hidden[i].last)
            return true;
    }
    return false;
}
