/* SPDX-License-Identifier: ISC */
#include "message/charset/recode.h"

#include "base/encode.h"
#include "message/write/encode.h"

#define SOFT_COLUMNS (ENCODE_COLUMNS - 1)

static void soft_break(struct recode *r, size_t width, struct buf *to) {
    if (r->column + width > SOFT_COLUMNS) {
        buf_add_str(to, "=\r\n");
        r->column = 0;
    }
    r->column += width;
}

static void add_octet(struct recode *r, char c, bool literal, struct buf *to) {
    soft_break(r, literal ? 1 : 3, to);
    if (literal)
        buf_add_byte(to, c);
    else
        buf_printf(to, "=%02X", (unsigned)(uint8_t)c);
}

/* RFC 2045 §6.7. A blank waits until it is known whether it stands at the end of its line. */
static void add_plain(struct recode *r, struct slice piece, struct buf *to) {
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.ptr[i];
        bool blank = ascii_is_blank(c);
        if (r->pending_len > 0)
            add_octet(r, r->pending[0], true, to);
        r->pending_len = blank ? 1 : 0;
        if (blank)
            r->pending[0] = c;
        else
            add_octet(r, c, c > 32 && c < 127 && c != '=', to);
    }
}

/* An escape stays whole; "=" at the end of a line is a soft break already. */
static void add_quoted_printable(struct recode *r, struct slice piece, struct buf *to) {
    for (size_t i = 0; i < piece.len; i++) {
        r->pending[r->pending_len++] = piece.ptr[i];
        if (r->pending[0] == '=' && r->pending_len < 3)
            continue;
        soft_break(r, r->pending_len, to);
        buf_add_bytes(to, r->pending, r->pending_len);
        r->pending_len = 0;
    }
}

static void add_base64(struct recode *r, struct slice piece, struct buf *to) {
    for (size_t i = 0; i < piece.len; i++) {
        if (base64_value(piece.ptr[i]) < 0 && piece.ptr[i] != '=')
            continue;
        if (r->column == ENCODE_COLUMNS) {
            buf_add_str(to, "\r\n");
            r->column = 0;
        }
        buf_add_byte(to, piece.ptr[i]);
        r->column++;
    }
}

void recode_add(struct recode *r, struct slice piece, struct buf *to) {
    if (r->encoding == MIME_BASE64)
        add_base64(r, piece, to);
    else if (r->encoding == MIME_QUOTED_PRINTABLE)
        add_quoted_printable(r, piece, to);
    else
        add_plain(r, piece, to);
}

void recode_line_end(struct recode *r, struct slice end, struct buf *to) {
    if (r->encoding == MIME_BASE64)
        return;
    if (r->encoding == MIME_PLAIN && r->pending_len > 0)
        add_octet(r, r->pending[0], false, to);
    else
        buf_add_bytes(to, r->pending, r->pending_len);
    r->pending_len = 0;
    r->column = 0;
    buf_add(to, end);
}

void recode_end(struct recode *r, struct buf *to) {
    if (r->encoding == MIME_BASE64 && r->column > 0)
        buf_add_str(to, "\r\n");
    r->column = 0;
}
