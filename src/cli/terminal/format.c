/* SPDX-License-Identifier: ISC */
#include "cli/terminal/format.h"

#include "base/error.h"
#include "message/text.h"

void format_cut(struct buf *to, struct slice text, size_t columns) {
    size_t taken = 0;
    if (text_columns(text) <= columns) {
        buf_add(to, text);
        return;
    }
    while (text.len > 0) {
        size_t len = 1; /* bytes of the character at the front; the text is UTF-8 */
        while (len < text.len && ((uint8_t)text.ptr[len] & 0xc0) == 0x80)
            len++;
        struct slice character = slice_first(text, len);
        size_t width = text_columns(character);
        if (taken + width + 1 > columns)
            break;
        buf_add(to, character);
        taken += width;
        text = slice_from(text, character.len);
    }
    if (columns > 0)
        buf_add_str(to, "…");
}

void format_paragraph(struct buf *to, struct slice text, size_t indent, size_t width) {
    text_blanks(to, indent);
    text_wrap(to, text, indent, width);
    buf_add_byte(to, '\n');
}

/* ------------------------------------------------------------------ sizes */

static const char units[] = {'K', 'M', 'G', 'T', 'P', 'E'};

void format_size(struct buf *to, uint64_t bytes) {
    uint64_t tenths = 0;
    size_t unit = 0;
    if (bytes < 1024) {
        buf_printf(to, "%u", (unsigned)bytes);
        return;
    }
    for (uint64_t v = bytes; unit < sizeof units && v >= 1024; unit++, v /= 1024)
        tenths = v / 1024 * 10 + v % 1024 * 10 / 1024;
    if (tenths < 100 && tenths % 10 != 0)
        buf_printf(to, "%u.%u%c", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
                   units[unit - 1]);
    else
        buf_printf(to, "%u%c", (unsigned)(tenths / 10), units[unit - 1]);
}

int format_parse_size(struct slice text, uint64_t *ret) {
    uint64_t number = 0;
    unsigned shift = 0;
    if (slice_eq_nocase(text, S("none"))) {
        *ret = 0;
        return 0;
    }
    if (slice_ends_nocase(text, S("ib")))
        text.len -= 2;
    else if (slice_ends_nocase(text, S("b")))
        text.len -= 1;
    for (size_t i = 0; text.len > 0 && i < sizeof units; i++) {
        if (ascii_upper(text.ptr[text.len - 1]) == units[i])
            shift = (unsigned)(i + 1) * 10;
    }
    if (shift > 0)
        text.len--;
    int r = slice_to_u64(text, (uint64_t)INT64_MAX >> shift, &number);
    if (r == 0)
        *ret = number << shift;
    return r;
}
