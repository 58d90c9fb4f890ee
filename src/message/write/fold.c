/* SPDX-License-Identifier: ISC */
#include "message/write/fold.h"

void fold_begin(struct fold *f, struct buf *to, const char *name) {
    size_t from = to->len;
    buf_add_str(to, name);
    buf_add_byte(to, ':');
    *f = (struct fold){.to = to, .column = to->len - from};
}

/* Columns: characters of UTF-8 count once. */
static size_t columns(struct slice text) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

void fold_glue(struct fold *f, struct slice text) {
    size_t from = f->to->len;
    buf_add(f->to, text);
    for (size_t i = from; i < f->to->len; i++) {
        unsigned char c = (unsigned char)f->to->ptr[i];
        if (c < 0x20 || c == 0x7f)
            f->to->ptr[i] = '?';
    }
    f->column += columns(text);
}

void fold_word(struct fold *f, struct slice word) {
    while (word.len > 0) {
        struct slice piece = slice_first(word, FOLD_WORD_MAX);
        if (f->column + 1 + columns(piece) > FOLD_COLUMNS) {
            buf_add_str(f->to, "\r\n ");
            f->column = 1;
        } else {
            fold_glue(f, S(" "));
        }
        fold_glue(f, piece);
        word = slice_from(word, piece.len);
    }
}

void fold_words(struct fold *f, struct slice text) {
    for (struct slice word; slice_next_word(&text, &word);)
        fold_word(f, word);
}

void fold_printf(struct fold *f, const char *format, ...) {
    _cleanup_(buf_done) struct buf word = {0};
    va_list args;
    va_start(args, format);
    buf_printf_v(&word, format, args);
    va_end(args);
    fold_word(f, buf_slice(&word));
}

void fold_end(struct fold *f) {
    buf_add_str(f->to, "\r\n");
}
