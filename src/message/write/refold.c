/* SPDX-License-Identifier: ISC */
#include "message/write/refold.h"

/* Where a line can be folded, not before `from`, so that neither piece is blank; 0: nowhere. */
static size_t fold_at(struct slice line, size_t from) {
    size_t first = 0, last = line.len - 1;
    while (first < last && ascii_is_blank(line.ptr[first]))
        first++;
    while (last > first && ascii_is_blank(line.ptr[last]))
        last--;
    for (size_t at = MIN(last, (size_t)REFOLD_LINE_MAX); at > first && at >= from; at--) {
        if (ascii_is_blank(line.ptr[at]))
            return at;
    }
    return 0;
}

/* One line with its end. */
static void add_line(struct refold *r, struct slice line, bool is_field) {
    size_t end = line.len;
    while (end > 0 && (line.ptr[end - 1] == '\n' || line.ptr[end - 1] == '\r'))
        end--;
    struct slice text = slice_first(line, end);
    size_t from = 0;
    r->has_long |= text.len > REFOLD_LINE_MAX;
    if (text.len > 0 && !ascii_is_blank(text.ptr[0])) /* a name is not cut */
        from = (size_t)(slice_find_byte(text, ':') + 1);
    while (text.len > REFOLD_LINE_MAX) {
        size_t at = is_field ? fold_at(text, from) : 0;
        r->is_stuck |= at == 0;
        if (at == 0)
            break;
        buf_add(r->to, slice_first(text, at));
        buf_add_str(r->to, "\r\n");
        text = slice_from(text, at);
        from = 0;
    }
    buf_add(r->to, text);
    buf_add(r->to, slice_from(line, end));
}

void refold_lines(struct refold *r, struct slice lines, bool is_field) {
    while (lines.len > 0) {
        ssize_t lf = slice_find_byte(lines, '\n');
        size_t len = lf < 0 ? lines.len : (size_t)lf + 1;
        add_line(r, slice_first(lines, len), is_field);
        lines = slice_from(lines, len);
    }
}
