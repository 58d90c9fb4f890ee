/* SPDX-License-Identifier: ISC */
/*
 * Works on runs: bytes are copied in one piece up to the next dot that must be doubled, found line
 * by line with memchr. A part may end anywhere, so what the next byte stands behind is kept.
 */
#include "pop3/text.h"

void pop3_text_init(struct pop3_text *t, uint64_t body_lines) {
    *t = (struct pop3_text){
        .lines_left = body_lines, .blank = true, .line_start = true, .crlf = true};
}

/* A line has ended: of the header, the blank one, or of the body. */
static void line_ended(struct pop3_text *t) {
    t->crlf = t->after_cr;
    t->after_cr = false;
    if (t->in_body && t->lines_left != POP3_ALL_LINES)
        t->lines_left--;
    if (!t->in_body && t->blank)
        t->in_body = true;
    t->blank = true;
    t->line_start = true;
    t->done = t->in_body && t->lines_left == 0;
}

/* The bytes of a line or a part of one, without LF. */
static void line_goes_on(struct pop3_text *t, struct slice some) {
    if (some.len == 0)
        return;
    t->after_cr = some.ptr[some.len - 1] == '\r';
    if (some.len > 1 || !t->after_cr)
        t->blank = false;
    t->line_start = false;
    t->crlf = false;
}

void pop3_text_add(struct pop3_text *t, struct slice bytes, struct buf *to) {
    size_t at = 0, run = 0;
    while (at < bytes.len && !t->done) {
        if (t->line_start && bytes.ptr[at] == '.') {
            buf_add(to, slice_from(slice_first(bytes, at), run));
            buf_add_byte(to, '.');
            run = at;
        }
        struct slice rest = slice_from(bytes, at);
        ssize_t lf = slice_find_byte(rest, '\n');
        size_t len = lf < 0 ? rest.len : (size_t)lf;
        line_goes_on(t, slice_first(rest, len));
        at += len;
        if (lf < 0)
            break;
        at++;
        line_ended(t);
    }
    buf_add(to, slice_from(slice_first(bytes, at), run));
}

void pop3_text_end(struct pop3_text *t, struct buf *to) {
    if (!t->crlf)
        buf_add_str(to, "\r\n");
    buf_add_str(to, ".\r\n");
    t->done = true;
}
