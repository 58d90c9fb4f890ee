/* SPDX-License-Identifier: ISC */
#include "message/mime/transfer.h"

#include "base/encode.h"

static void give(struct transfer *t, struct slice bytes) {
    t->size += bytes.len;
    if (t->own.to)
        buf_add(t->own.to, bytes);
}

/* ------------------------------------------------------------------ base64 */

typedef uint8_t vector __attribute__((vector_size(16)));

#define BLOCK_SIZE (255 * sizeof(vector)) /* so a vector of counters in bytes cannot run over */

/* Digits in a block, and whether there is a "=". */
static size_t count_digits(struct slice block, bool *ret_pads) {
    vector digits = {0}, pads = {0};
    size_t i = 0, count = 0;
    for (; i + sizeof(vector) <= block.len; i += sizeof(vector)) {
        vector v;
        memcpy(&v, block.ptr + i, sizeof v);
        vector letter = (v | 0x20) - 'a', digit = v - '0';
        digits -=
            (vector)(letter < 26) | (vector)(digit < 10) | (vector)(v == '+') | (vector)(v == '/');
        pads |= (vector)(v == '=');
    }
    for (size_t k = 0; k < sizeof(vector); k++) {
        count += digits[k];
        *ret_pads |= pads[k] != 0;
    }
    for (; i < block.len; i++) {
        count += base64_value(block.ptr[i]) >= 0;
        *ret_pads |= block.ptr[i] == '=';
    }
    return count;
}

static void measure_base64(struct transfer *t, struct slice piece) {
    for (; piece.len > 0; piece = slice_from(piece, BLOCK_SIZE)) {
        struct slice block = slice_first(piece, BLOCK_SIZE);
        uint64_t before = t->own.digits;
        bool pads = false;
        t->own.digits += count_digits(block, &pads);
        if (!pads) {
            t->size += t->own.digits * 6 / 8 - before * 6 / 8;
            continue;
        }
        t->own.digits = before;
        for (size_t i = 0; i < block.len; i++) {
            if (block.ptr[i] == '=')
                t->own.digits = 0;
            else if (base64_value(block.ptr[i]) >= 0 && t->own.digits++ % 4 > 0)
                t->size++;
        }
    }
}

static void decode_base64(struct transfer *t, struct slice piece) {
    static const int8_t values[128] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62,
        -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0,
        1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
        39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
    };
    buf_reserve(t->own.to, piece.len / 4 * 3 + 3);
    char *to = t->own.to->ptr + t->own.to->len, *begin = to;
    for (size_t i = 0; i < piece.len; i++) {
        uint8_t c = (uint8_t)piece.ptr[i];
        int value = c < 128 ? values[c] : -1;
        if (value >= 0) {
            t->own.bits = t->own.bits << 6 | (uint32_t)value;
            unsigned place = t->own.digits++ % 4;
            if (place > 0)
                *to++ = (char)(t->own.bits >> (6 - 2 * place));
        } else if (c == '=') {
            t->own.digits = 0;
        }
    }
    t->own.to->len += (size_t)(to - begin);
    t->size += (size_t)(to - begin);
}

/* ------------------------------------------------------------------ quoted-printable */

static void hold(struct transfer *t, char c) {
    t->own.held[t->own.held_len++] = c;
}

static size_t give_held(struct transfer *t) {
    give(t, slice_of(t->own.held, t->own.held_len));
    t->own.held_len = 0;
    return 0;
}

/* Behind "=", blanks, and perhaps a CR or a first digit. 1 when `c` was used. */
static size_t behind_equals(struct transfer *t, char c) {
    const char *held = t->own.held;
    size_t len = t->own.held_len;
    if (len == 2 && hex_value(held[1]) >= 0) {
        if (hex_value(c) < 0)
            return give_held(t);
        char octet = (char)(hex_value(held[1]) << 4 | hex_value(c));
        t->own.held_len = 0;
        give(t, slice_of(&octet, 1));
        return 1;
    }
    if (c == '\n') { /* a soft line break */
        t->own.held_len = 0;
        return 1;
    }
    bool more = c == '\r' || (ascii_is_blank(c) && len <= TRANSFER_BLANKS) ||
                (len == 1 && hex_value(c) >= 0);
    if (held[len - 1] == '\r' || !more)
        return give_held(t);
    hold(t, c);
    return 1;
}

/* Behind blanks, and perhaps a CR. 1 when `c` was used. */
static size_t behind_blanks(struct transfer *t, char c) {
    bool after_cr = t->own.held[t->own.held_len - 1] == '\r';
    if (c == '\n') {
        t->own.held_len = 0;
        give(t, after_cr ? S("\r\n") : S("\n"));
        return 1;
    }
    t->own.many_blanks = ascii_is_blank(c) && !after_cr && t->own.held_len == TRANSFER_BLANKS;
    if (after_cr || t->own.many_blanks || (c != '\r' && !ascii_is_blank(c)))
        return give_held(t);
    hold(t, c);
    return 1;
}

/* Where the blanks at the end of a text begin, with a CR behind them; none of too many. */
static size_t blanks_at_end(struct slice text) {
    size_t end = text.len - slice_ends(text, S("\r")), at = end;
    while (at > 0 && ascii_is_blank(text.ptr[at - 1]))
        at--;
    return end == at || end - at > TRANSFER_BLANKS ? text.len : at;
}

/* Nothing is held: all up to the next "=" or line end. */
static size_t take_text(struct transfer *t, struct slice rest) {
    size_t n = 0;
    if (t->own.many_blanks) {
        while (n < rest.len && ascii_is_blank(rest.ptr[n]))
            n++;
        t->own.many_blanks = n == rest.len;
        give(t, slice_first(rest, n));
        return n;
    }
    while (n < rest.len && rest.ptr[n] != '=' && rest.ptr[n] != '\n')
        n++;
    struct slice text = slice_first(rest, n);
    if (n < rest.len && rest.ptr[n] == '=') {
        give(t, text);
        int high = n + 2 < rest.len ? hex_value(rest.ptr[n + 1]) : -1;
        int low = high >= 0 ? hex_value(rest.ptr[n + 2]) : -1;
        char octet = (char)((unsigned)high << 4 | (unsigned)low);
        if (low >= 0) {
            give(t, slice_of(&octet, 1));
            return n + 3;
        }
        hold(t, '=');
        return n + 1;
    }
    size_t cut = blanks_at_end(text);
    give(t, slice_first(text, cut));
    if (n < rest.len) {
        bool crlf = cut < n && text.ptr[n - 1] == '\r';
        give(t, crlf ? S("\r\n") : S("\n"));
        return n + 1;
    }
    if (cut < n)
        memcpy(t->own.held, text.ptr + cut, n - cut);
    t->own.held_len = n - cut;
    t->own.many_blanks = cut == n && n > 0 && ascii_is_blank(text.ptr[n - 1]);
    return n;
}

static void take_quoted_printable(struct transfer *t, struct slice piece) {
    while (piece.len > 0) {
        size_t n;
        if (t->own.held_len == 0)
            n = take_text(t, piece);
        else if (t->own.held[0] == '=')
            n = behind_equals(t, piece.ptr[0]);
        else
            n = behind_blanks(t, piece.ptr[0]);
        piece = slice_from(piece, n);
    }
}

/* ------------------------------------------------------------------ any */

void transfer_take(struct transfer *t, struct slice piece, struct buf *to) {
    t->own.to = to;
    if (t->encoding == MIME_QUOTED_PRINTABLE)
        take_quoted_printable(t, piece);
    else if (t->encoding != MIME_BASE64)
        give(t, piece);
    else if (to)
        decode_base64(t, piece);
    else
        measure_base64(t, piece);
}

/* A line end that belonged to a delimiter may have been behind what is held. */
void transfer_end(struct transfer *t, struct buf *to) {
    bool digit = t->own.held_len == 2 && hex_value(t->own.held[1]) >= 0;
    t->own.to = to;
    if (digit)
        (void)give_held(t);
    t->own.held_len = 0;
}
