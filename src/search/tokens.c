/* SPDX-License-Identifier: ISC */
#include "search/tokens.h"

#include "base/encode.h"

/* ------------------------------------------------------------------ classes */

/*
 * Where a class begins, from U+0080 on; it counts up to the next row. Signs that somebody may look
 * for are unspaced; what only divides, and what is not shown, separates.
 */
static const struct {
    uint32_t from;
    enum search_class class;
} CLASSES[] = {
    {0x80, SEARCH_SEPARATOR},   {0xaa, SEARCH_LETTER},      {0xab, SEARCH_SEPARATOR},
    {0xb2, SEARCH_LETTER},      {0xb4, SEARCH_SEPARATOR},   {0xb5, SEARCH_LETTER},
    {0xb6, SEARCH_SEPARATOR},   {0xb9, SEARCH_LETTER},      {0xbb, SEARCH_SEPARATOR},
    {0xbc, SEARCH_LETTER},      {0xbf, SEARCH_SEPARATOR},   {0xc0, SEARCH_LETTER},
    {0xd7, SEARCH_SEPARATOR},   {0xd8, SEARCH_LETTER},      {0xf7, SEARCH_SEPARATOR},
    {0xf8, SEARCH_LETTER},      {0x37e, SEARCH_SEPARATOR},  {0x37f, SEARCH_LETTER},
    {0x387, SEARCH_SEPARATOR},  {0x388, SEARCH_LETTER},     {0x55a, SEARCH_SEPARATOR},
    {0x560, SEARCH_LETTER},     {0x589, SEARCH_SEPARATOR},  {0x591, SEARCH_LETTER},
    {0x5be, SEARCH_SEPARATOR},  {0x5bf, SEARCH_LETTER},     {0x5c0, SEARCH_SEPARATOR},
    {0x5c1, SEARCH_LETTER},     {0x5c3, SEARCH_SEPARATOR},  {0x5c4, SEARCH_LETTER},
    {0x600, SEARCH_SEPARATOR},  {0x610, SEARCH_LETTER},     {0x61b, SEARCH_SEPARATOR},
    {0x620, SEARCH_LETTER},     {0x66a, SEARCH_SEPARATOR},  {0x66e, SEARCH_LETTER},
    {0x6d4, SEARCH_SEPARATOR},  {0x6d5, SEARCH_LETTER},     {0x964, SEARCH_SEPARATOR},
    {0x966, SEARCH_LETTER},     {0xe00, SEARCH_UNSPACED},   {0x10a0, SEARCH_LETTER},
    {0x10fb, SEARCH_SEPARATOR}, {0x10fc, SEARCH_LETTER},    {0x1100, SEARCH_UNSPACED},
    {0x1200, SEARCH_LETTER},    {0x1361, SEARCH_SEPARATOR}, {0x1369, SEARCH_LETTER},
    {0x1680, SEARCH_SEPARATOR}, {0x1681, SEARCH_LETTER},    {0x1780, SEARCH_UNSPACED},
    {0x1800, SEARCH_SEPARATOR}, {0x180f, SEARCH_LETTER},    {0x1950, SEARCH_UNSPACED},
    {0x1a00, SEARCH_LETTER},    {0x1a20, SEARCH_UNSPACED},  {0x1ab0, SEARCH_LETTER},
    {0x2000, SEARCH_SEPARATOR}, {0x2070, SEARCH_LETTER},    {0x20a0, SEARCH_UNSPACED},
    {0x20d0, SEARCH_LETTER},    {0x2100, SEARCH_UNSPACED},  {0x2c00, SEARCH_LETTER},
    {0x2e00, SEARCH_SEPARATOR}, {0x2e80, SEARCH_UNSPACED},  {0x3000, SEARCH_SEPARATOR},
    {0x3005, SEARCH_UNSPACED},  {0x3008, SEARCH_SEPARATOR}, {0x3012, SEARCH_UNSPACED},
    {0x3014, SEARCH_SEPARATOR}, {0x3020, SEARCH_UNSPACED},  {0x3030, SEARCH_SEPARATOR},
    {0x3031, SEARCH_UNSPACED},  {0x303d, SEARCH_SEPARATOR}, {0x3040, SEARCH_UNSPACED},
    {0x30a0, SEARCH_SEPARATOR}, {0x30a1, SEARCH_UNSPACED},  {0x30fb, SEARCH_SEPARATOR},
    {0x30fc, SEARCH_UNSPACED},  {0xa4d0, SEARCH_LETTER},    {0xa960, SEARCH_UNSPACED},
    {0xa980, SEARCH_UNSPACED},  {0xaae0, SEARCH_LETTER},    {0xac00, SEARCH_UNSPACED},
    {0xfb00, SEARCH_LETTER},    {0xfd3e, SEARCH_SEPARATOR}, {0xfd40, SEARCH_LETTER},
    {0xfe00, SEARCH_UNSPACED},  {0xfe10, SEARCH_SEPARATOR}, {0xfe20, SEARCH_LETTER},
    {0xfe30, SEARCH_SEPARATOR}, {0xfe70, SEARCH_LETTER},    {0xfeff, SEARCH_SEPARATOR},
    {0xff66, SEARCH_UNSPACED},  {0xffe0, SEARCH_SEPARATOR}, {0x10000, SEARCH_LETTER},
    {0x16fe0, SEARCH_UNSPACED}, {0x1bc00, SEARCH_LETTER},   {0x1f000, SEARCH_UNSPACED},
    {0x1fbf0, SEARCH_LETTER},   {0x20000, SEARCH_UNSPACED}, {0xe0000, SEARCH_SEPARATOR},
    {0xf0000, SEARCH_UNSPACED},
};

static inline bool is_ascii_letter(char c) {
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

enum search_class search_class(uint32_t c) {
    if (c < 0x80)
        return is_ascii_letter((char)c) ? SEARCH_LETTER : SEARCH_SEPARATOR;
    if (c >= 0x30fc && c < 0xa4d0) /* most of what is Japanese or Chinese */
        return SEARCH_UNSPACED;
    size_t low = 0, high = ARRAY_SIZE(CLASSES);
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (CLASSES[middle].from <= c)
            low = middle;
        else
            high = middle;
    }
    return CLASSES[low].class;
}

/* ------------------------------------------------------------------ runs */

/* The length of the character at the front, of well-formed text. */
static inline size_t first_len(struct slice s) {
    uint8_t c = (uint8_t)s.ptr[0];
    return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Gives each three characters of `text`; the last two stay in it. */
static void emit_pieces(struct search_tokens *t) {
    struct slice rest = slice_of(t->own.text, t->own.len);
    for (; t->own.count >= 3; t->own.count--) {
        size_t len = first_len(rest);
        len += first_len(slice_from(rest, len));
        t->emit(t->arg, SEARCH_PIECE, slice_first(rest, len + first_len(slice_from(rest, len))));
        rest = slice_from(rest, first_len(rest));
    }
    memmove(t->own.text, rest.ptr, rest.len);
    t->own.len = rest.len;
}

static void end_run(struct search_tokens *t) {
    struct slice text = slice_of(t->own.text, t->own.len);
    if (t->own.run == SEARCH_UNSPACED) {
        t->emit(t->arg, SEARCH_PAIR, text);
    } else if (t->own.run == SEARCH_LETTER) {
        if (!t->own.is_long && !search_is_long(t->own.count, t->own.has_digit)) {
            t->emit(t->arg, SEARCH_WORD, text);
        } else {
            emit_pieces(t);
            text = slice_of(t->own.text, t->own.len);
            t->emit(t->arg, SEARCH_PIECE, text);
            t->emit(t->arg, SEARCH_PIECE, slice_from(text, first_len(text)));
        }
    }
    t->own.run = SEARCH_SEPARATOR;
    t->own.len = t->own.count = 0;
    t->own.has_digit = t->own.is_long = false;
}

static void add_letter(struct search_tokens *t, struct slice character) {
    if (t->own.run != SEARCH_LETTER)
        end_run(t);
    t->own.run = SEARCH_LETTER;
    memcpy(t->own.text + t->own.len, character.ptr, character.len);
    t->own.len += character.len;
    t->own.count++;
    t->own.has_digit |= ascii_is_digit(character.ptr[0]);
    if (t->own.is_long || t->own.count > SEARCH_WORD_MAX) {
        t->own.is_long = true;
        emit_pieces(t);
    }
}

static void add_unspaced(struct search_tokens *t, struct slice character) {
    char pair[8];
    if (t->own.run != SEARCH_UNSPACED)
        end_run(t);
    if (t->own.len > 0) {
        memcpy(pair, t->own.text, t->own.len);
        memcpy(pair + t->own.len, character.ptr, character.len);
        t->emit(t->arg, SEARCH_PAIR, slice_of(pair, t->own.len + character.len));
    }
    t->own.run = SEARCH_UNSPACED;
    memcpy(t->own.text, character.ptr, character.len);
    t->own.len = character.len;
}

/* ------------------------------------------------------------------ characters */

/* Takes one character, or a byte that is none, off the front. */
static void take(struct search_tokens *t, struct slice *text) {
    uint32_t c = 0;
    size_t len = utf8_decode(*text, &c);
    enum search_class class = len > 0 ? search_class(c) : SEARCH_SEPARATOR;
    if (class == SEARCH_LETTER)
        add_letter(t, slice_first(*text, len));
    else if (class == SEARCH_UNSPACED)
        add_unspaced(t, slice_first(*text, len));
    else
        end_run(t);
    *text = slice_from(*text, MAX(len, 1));
}

/* Whether the bytes may be the beginning of a character. */
static bool is_cut(struct slice text) {
    uint8_t c = (uint8_t)text.ptr[0];
    return c >= 0xc2 && c < 0xf5 && text.len < first_len(text);
}

void search_tokens_feed(struct search_tokens *t, struct slice text) {
    while (t->own.cut_len > 0 && text.len > 0) {
        t->own.cut[t->own.cut_len++] = text.ptr[0];
        text = slice_from(text, 1);
        struct slice cut = slice_of(t->own.cut, t->own.cut_len);
        while (cut.len > 0 && !is_cut(cut))
            take(t, &cut);
        memmove(t->own.cut, cut.ptr, cut.len);
        t->own.cut_len = cut.len;
    }
    while (text.len > 0) {
        char c = text.ptr[0];
        if ((uint8_t)c >= 0x80) {
            if (is_cut(text))
                break;
            take(t, &text);
            continue;
        }
        if (is_ascii_letter(c))
            add_letter(t, slice_first(text, 1));
        else if (t->own.run != SEARCH_SEPARATOR)
            end_run(t);
        text = slice_from(text, 1);
    }
    if (text.len > 0) { /* the beginning of a character */
        memcpy(t->own.cut, text.ptr, text.len);
        t->own.cut_len = text.len;
    }
}

void search_tokens_end(struct search_tokens *t) {
    struct slice cut = slice_of(t->own.cut, t->own.cut_len);
    while (cut.len > 0)
        take(t, &cut);
    t->own.cut_len = 0;
    end_run(t);
}
