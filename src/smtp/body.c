/* SPDX-License-Identifier: ISC */
/*
 * One memchr for LF and one for CR per line; a chunk runs over as many lines as the window has and
 * breaks only before a line that starts with a dot, since that dot is not stored. What cannot be
 * decided yet stays in the window: a CR at its very end, and a dot with less than two bytes behind.
 * So the state between calls is three words, whichever way the input was cut into packets.
 */
#include "smtp/body.h"

static void set_fault(struct smtp_body *b, enum smtp_body_fault fault) {
    if (b->fault == SMTP_BODY_FINE)
        b->fault = fault;
}

/* The end-of-data line, or a stuffed dot; false when more bytes must be seen to tell. */
static bool take_dot(struct smtp_body *b, struct slice *rest) {
    if (rest->len < 2 || (rest->len == 2 && rest->ptr[1] == '\r'))
        return false;
    if (rest->ptr[1] == '\r' && rest->ptr[2] == '\n') {
        *rest = slice_from(*rest, 3);
        b->ended = true;
        return false;
    }
    *rest = slice_from(*rest, 1);
    return true;
}

static void add_to_line(struct smtp_body *b, size_t len) {
    b->line += len;
    b->inside = true;
    if (b->line > b->line_max)
        set_fault(b, SMTP_BODY_LONG_LINE);
}

/* Text that ends with LF. */
static void scan_line(struct smtp_body *b, struct slice line) {
    ssize_t cr = slice_find_byte(line, '\r');
    add_to_line(b, line.len);
    if (cr < 0)
        set_fault(b, SMTP_BODY_BARE_LF);
    else if ((size_t)cr + 2 < line.len)
        set_fault(b, SMTP_BODY_BARE_CR);
    if (line.len >= 2 && line.ptr[line.len - 2] == '\r') {
        b->inside = false;
        b->line = 0;
    }
}

/* Text without LF; returns how much of it is decided. */
static size_t scan_part(struct smtp_body *b, struct slice part) {
    if (part.ptr[part.len - 1] == '\r')
        part.len--;
    if (slice_find_byte(part, '\r') >= 0)
        set_fault(b, SMTP_BODY_BARE_CR);
    if (part.len)
        add_to_line(b, part.len);
    return part.len;
}

/* How many bytes from the front of `text` can be stored as they stand. */
static size_t scan_chunk(struct smtp_body *b, struct slice text) {
    size_t at = 0;
    while (at < text.len && (b->inside || at == 0 || text.ptr[at] != '.')) {
        struct slice rest = slice_from(text, at);
        ssize_t lf = slice_find_byte(rest, '\n');
        if (lf < 0)
            return at + scan_part(b, rest);
        scan_line(b, slice_first(rest, (size_t)lf + 1));
        at += (size_t)lf + 1;
    }
    return at;
}

bool smtp_body_next(struct smtp_body *b, struct slice *rest, struct slice *ret_chunk) {
    if (b->ended || rest->len == 0)
        return false;
    if (!b->inside && rest->ptr[0] == '.' && !take_dot(b, rest))
        return false;
    struct slice chunk = slice_first(*rest, scan_chunk(b, *rest));
    if (chunk.len == 0)
        return false;
    if (slice_find_byte(chunk, '\0') >= 0)
        set_fault(b, SMTP_BODY_NUL);
    *rest = slice_from(*rest, chunk.len);
    *ret_chunk = chunk;
    return true;
}

const char *smtp_body_fault_text(enum smtp_body_fault fault) {
    static const char *const texts[] = {
        [SMTP_BODY_FINE] = "no fault",
        [SMTP_BODY_BARE_LF] = "LF without CR before it",
        [SMTP_BODY_BARE_CR] = "CR without LF behind it",
        [SMTP_BODY_NUL] = "NUL byte",
        [SMTP_BODY_LONG_LINE] = "line too long",
    };
    return texts[fault];
}
