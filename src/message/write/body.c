/* SPDX-License-Identifier: ISC */
/*
 * Bodies for the writing side of MIME (message/write/encode.h).
 */
#include "base/encode.h"
#include "message/write/encode.h"

#define BASE64_LINE 57 /* bytes that make 76 columns */

void encode_base64_body(struct buf *to, struct slice bytes) {
    buf_reserve(to, bytes.len / BASE64_LINE * (ENCODE_COLUMNS + 2) + ENCODE_COLUMNS + 2);
    for (; bytes.len > 0; bytes = slice_from(bytes, BASE64_LINE)) {
        base64_encode(to, slice_first(bytes, BASE64_LINE));
        buf_add_str(to, "\r\n");
    }
}

/* The next line without its line end, which may be LF or CRLF, or a CR at the very end. */
static bool next_line(struct slice *rest, struct slice *ret_line) {
    if (rest->len == 0 || !slice_next(rest, '\n', ret_line))
        return false;
    if (slice_ends(*ret_line, S("\r")))
        ret_line->len--;
    return true;
}

/* RFC 2045 §6.7 rules 1 to 3: may this byte of a line stand for itself? */
static bool is_literal(struct slice line, size_t at) {
    unsigned char c = (unsigned char)line.ptr[at];
    if (c == ' ' || c == '\t')
        return at + 1 < line.len;
    return c > 32 && c < 127 && c != '=';
}

/* A soft line break does not cut a character of UTF-8, which is `n` bytes long. */
static void quoted_printable_line(struct buf *to, struct slice line) {
    size_t column = 0;
    for (size_t at = 0, n; at < line.len; at += n) {
        n = 1;
        while (at + n < line.len && n < 4 && ((unsigned char)line.ptr[at + n] & 0xc0) == 0x80)
            n++;
        size_t width = n == 1 && is_literal(line, at) ? 1 : 3 * n;
        size_t room = ENCODE_COLUMNS - (at + n < line.len ? 1 : 0);
        if (column + width > room) {
            buf_add_str(to, "=\r\n");
            column = 0;
        }
        if (width == 1)
            buf_add_byte(to, line.ptr[at]);
        else
            for (size_t i = 0; i < n; i++)
                buf_printf(to, "=%02X", (unsigned char)line.ptr[at + i]);
        column += width;
    }
    buf_add_str(to, "\r\n");
}

void encode_quoted_printable_body(struct buf *to, struct slice text) {
    for (struct slice line; next_line(&text, &line);)
        quoted_printable_line(to, line);
}

void encode_plain_body(struct buf *to, struct slice text) {
    for (struct slice line; next_line(&text, &line);) {
        buf_add(to, line);
        buf_add_str(to, "\r\n");
    }
}

enum body_encoding body_encoding_for(struct slice text) {
    bool is_7bit = true; /* lines are short and hold nothing but plain text */
    struct slice rest = text;
    for (struct slice line; is_7bit && next_line(&rest, &line);)
        is_7bit = line.len <= FOLD_COLUMNS && text_is_plain(line);
    if (is_7bit)
        return BODY_7BIT;
    size_t high = 0;
    for (size_t i = 0; i < text.len; i++)
        high += (unsigned char)text.ptr[i] >= 0x80;
    return high > text.len / 4 ? BODY_BASE64 : BODY_QUOTED_PRINTABLE;
}

const char *body_encoding_name(enum body_encoding encoding) {
    switch (encoding) {
    case BODY_7BIT:
        return "7bit";
    case BODY_QUOTED_PRINTABLE:
        return "quoted-printable";
    default:
        return "base64";
    }
}

void encode_body(struct buf *to, enum body_encoding encoding, struct slice text) {
    _cleanup_(buf_done) struct buf lines = {0};
    switch (encoding) {
    case BODY_7BIT:
        encode_plain_body(to, text);
        return;
    case BODY_QUOTED_PRINTABLE:
        encode_quoted_printable_body(to, text);
        return;
    case BODY_BASE64:
        encode_plain_body(&lines, text); /* line ends are CRLF before: RFC 2045 §6.8 */
        encode_base64_body(to, buf_slice(&lines));
        return;
    }
}
