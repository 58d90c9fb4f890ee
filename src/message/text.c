/* SPDX-License-Identifier: ISC */
#include "message/text.h"

#include "base/encode.h"
#include "message/address/domain.h"

#define WIDTH_MIN 20 /* narrower than this nothing is wrapped for */

struct range {
    uint32_t first, last;
};

static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static const struct range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x093c, 0x093c}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

static bool in(const struct range *list, size_t count, uint32_t c) {
    for (size_t i = 0; i < count; i++) {
        if (c >= list[i].first && c <= list[i].last)
            return true;
    }
    return false;
}

/* The character at the front and its length; 0 when it is not UTF-8. */
static size_t decode(struct slice s, uint32_t *ret) {
    return s.len > 0 ? utf8_decode(s, ret) : 0;
}

void text_add(struct buf *to, struct slice s) {
    for (;;) {
        size_t as_it_is = 0; /* without a look into the tables */
        while (as_it_is < s.len && s.ptr[as_it_is] >= 0x20 && s.ptr[as_it_is] < 0x7f)
            as_it_is++;
        buf_add(to, slice_first(s, as_it_is));
        s = slice_from(s, as_it_is);
        if (s.len == 0)
            return;
        uint32_t c = 0;
        size_t len = decode(s, &c);
        if (len == 0)
            buf_printf(to, "\\x%02x", (unsigned)(uint8_t)s.ptr[0]);
        else if (!utf8_is_hidden(c))
            buf_add(to, slice_first(s, len));
        else if (c < 0x80)
            buf_printf(to, "\\x%02x", (unsigned)c);
        else
            buf_printf(to, "\\u{%04x}", (unsigned)c);
        s = slice_from(s, MAX(len, (size_t)1));
    }
}

void text_add_roff(struct buf *to, struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\\')
            buf_add_str(to, "\\e");
        else if (c == '-')
            buf_add_str(to, "\\-");
        else if (c == '"')
            buf_add_str(to, "\\(dq");
        else if (c == '\'')
            buf_add_str(to, "\\(aq");
        else if (c == '.' && i == 0)
            buf_add_str(to, "\\&.");
        else
            buf_add_byte(to, c);
    }
}

void text_add_names(struct buf *to, struct slice s) {
    _cleanup_(buf_done) struct buf shown = {0};
    if (slice_find(s, S("--")) >= 0) {
        domain_shown_within(&shown, s);
        s = buf_slice(&shown);
    }
    text_add(to, s);
}

size_t text_columns(struct slice s) {
    size_t columns = 0;
    while (s.len > 0) {
        uint32_t c = 0;
        size_t len = decode(s, &c);
        if (c < 0x300)
            columns++;
        else if (!in(combining, ARRAY_SIZE(combining), c))
            columns += in(wide, ARRAY_SIZE(wide), c) ? 2 : 1;
        s = slice_from(s, MAX(len, (size_t)1));
    }
    return columns;
}

void text_blanks(struct buf *to, size_t count) {
    while (count-- > 0)
        buf_add_byte(to, ' ');
}

void text_column(struct buf *to, size_t line, size_t column) {
    size_t at = text_columns(slice_from(buf_slice(to), line));
    text_blanks(to, at < column ? column - at : 1);
}

/*
 * Kinsoku, after JIS X 4051. Never the first character of a line: closing brackets and stops, small
 * kana, marks of repetition and of length.
 */
static bool closes(uint32_t c) {
    static const struct range closing[] = {
        {'!', '!'},       {')', ')'},       {',', ','},       {'.', '.'},       {':', ';'},
        {'?', '?'},       {']', ']'},       {'}', '}'},       {0x3015, 0x3015}, {0x3017, 0x3017},
        {0x3019, 0x3019}, {0x308e, 0x308e}, {0x3095, 0x3096}, {0x309b, 0x309e}, {0x30ee, 0x30ee},
        {0x30f5, 0x30f6}, {0x30fd, 0x30fe}, {0xff3d, 0xff3d}, {0xff5d, 0xff5d}, {0x2026, 0x2026},
        {0x3001, 0x3002}, {0x3005, 0x3005}, {0x3009, 0x3009}, {0x300b, 0x300b}, {0x300d, 0x300d},
        {0x300f, 0x300f}, {0x3011, 0x3011}, {0x3041, 0x3041}, {0x3043, 0x3043}, {0x3045, 0x3045},
        {0x3047, 0x3047}, {0x3049, 0x3049}, {0x3063, 0x3063}, {0x3083, 0x3083}, {0x3085, 0x3085},
        {0x3087, 0x3087}, {0x30a1, 0x30a1}, {0x30a3, 0x30a3}, {0x30a5, 0x30a5}, {0x30a7, 0x30a7},
        {0x30a9, 0x30a9}, {0x30c3, 0x30c3}, {0x30e3, 0x30e3}, {0x30e5, 0x30e5}, {0x30e7, 0x30e7},
        {0x30fb, 0x30fc}, {0xff01, 0xff01}, {0xff09, 0xff09}, {0xff0c, 0xff0c}, {0xff0e, 0xff0e},
        {0xff1a, 0xff1b}, {0xff1f, 0xff1f},
    };
    return in(closing, ARRAY_SIZE(closing), c);
}

/* Never the last one: opening brackets. */
static bool opens(uint32_t c) {
    static const struct range opening[] = {
        {'(', '('},       {'[', '['},       {'{', '{'},       {0x3008, 0x3008}, {0x300a, 0x300a},
        {0x300c, 0x300c}, {0x300e, 0x300e}, {0x3010, 0x3010}, {0x3014, 0x3014}, {0x3016, 0x3016},
        {0x3018, 0x3018}, {0xff08, 0xff08}, {0xff3b, 0xff3b}, {0xff5b, 0xff5b},
    };
    return in(opening, ARRAY_SIZE(opening), c);
}

/* The next piece that stays together: a line may end at a blank, or where a character is wide. */
static bool next_piece(struct slice *rest, bool *ret_blank, struct slice *ret) {
    struct slice s = slice_trim(*rest);
    uint32_t before = 0, c = 0;
    if (s.len == 0)
        return false;
    *ret_blank = s.ptr > rest->ptr;
    size_t len = MAX(decode(s, &before), (size_t)1);
    while (len < s.len) {
        size_t next = MAX(decode(slice_from(s, len), &c), (size_t)1);
        bool beside_wide = in(wide, ARRAY_SIZE(wide), before) || in(wide, ARRAY_SIZE(wide), c);
        if (c == ' ' || (beside_wide && !opens(before) && !closes(c)))
            break;
        len += next;
        before = c;
    }
    *ret = slice_first(s, len);
    *rest = slice_from(s, len);
    return true;
}

static void wrap_from(struct buf *to, struct slice s, size_t at, size_t column, size_t width) {
    _cleanup_(buf_done) struct buf clean = {0};
    size_t limit = MAX(width, column + WIDTH_MIN);
    struct slice piece, rest;
    bool blank;
    text_add(&clean, s);
    rest = buf_slice(&clean);
    while (next_piece(&rest, &blank, &piece)) {
        size_t columns = text_columns(piece), room = limit - MIN(columns, limit);
        if (at + (at > column && blank ? 1 : 0) + columns > limit && at > MIN(column, room)) {
            while (to->len > 0 && to->ptr[to->len - 1] == ' ') /* no blanks at the end */
                to->len--;
            buf_add_byte(to, '\n');
            at = MIN(column, room);
            text_blanks(to, at);
        } else if (at > column && blank) {
            buf_add_byte(to, ' ');
            at++;
        }
        buf_add(to, piece);
        at += columns;
    }
}

void text_wrap(struct buf *to, struct slice s, size_t column, size_t width) {
    wrap_from(to, s, column, column, width);
}

void text_wrap_names_from(struct buf *to, struct slice s, size_t at, size_t column, size_t width) {
    _cleanup_(buf_done) struct buf shown = {0};
    domain_shown_within(&shown, s);
    wrap_from(to, buf_slice(&shown), at, column, width);
}

void text_wrap_names(struct buf *to, struct slice s, size_t column, size_t width) {
    text_wrap_names_from(to, s, column, column, width);
}
