/* SPDX-License-Identifier: ISC */
/*
 * Own tables rather than iconv(3) or ICU, for the reasons in docs/libraries.md. A reader judges
 * what a text is (charset_guess.c), then hands its bytes to one decoder (charset_bytes.c,
 * charset_iso2022.c, charset_unicode.c). A decoder leaves what is unfinished at the end of a piece;
 * the few bytes are kept and read once more with those that follow.
 */
#include "message/charset/charset.h"

#include <stdlib.h>

#include "base/error.h"
#include "message/charset/charset_decode.h"
#include "message/charset/charset_tables.h"

#define STEP ((size_t)4096) /* bytes for which there is room at a time */

/* ------------------------------------------------------------------ names */

static int compare_names(const void *key, const void *name) {
    return slice_cmp(*(const struct slice *)key,
                     slice_of_str(((const struct charset_name *)name)->text));
}

int charset_find(struct slice name) {
    char text[CHARSET_NAME_MAX];
    struct slice plain = {text, 0};
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.ptr[i]);
        if (!ascii_is_alpha(c) && !ascii_is_digit(c))
            continue;
        if (plain.len == sizeof text)
            return -E_UNKNOWN;
        text[plain.len++] = c;
    }
    const struct charset_name *found =
        bsearch(&plain, charset_names, charset_names_count, sizeof *found, compare_names);
    return found ? found->number : -E_UNKNOWN;
}

/* ------------------------------------------------------------------ a reader */

void charset_reader_init(struct charset_reader *r, int charset, bool keep_lines) {
    *r = (struct charset_reader){.charset = charset, .keep_lines = keep_lines};
}

void charset_reader_done(struct charset_reader *r) {
    buf_done(&r->held);
}

static void decide(struct charset_reader *r, struct slice first) {
    bool begun = r->state.begun;
    r->charset = charset_judge(r->charset, first, begun);
    charset_begin(&r->state, r->charset);
    r->state.begun = begun;
    r->decided = true;
}

/* Returns how many bytes were read; what is unfinished is left when there is `more`. */
static size_t decode(struct charset_reader *r, struct slice bytes, bool more, struct buf *to) {
    buf_reserve(to, CHARSET_GROW * bytes.len + CHARSET_SLACK);
    struct charset_out o = {.to = to->ptr + to->len, .keep_lines = r->keep_lines};
    size_t read = charset_step(r->charset, &r->state, &o, bytes, more);
    to->len = (size_t)(o.to - to->ptr);
    return read;
}

static size_t decode_more(void *reader, struct slice bytes, struct buf *to) {
    return decode(reader, bytes, true, to);
}

/* With what was kept in front of it; keeps what is unfinished. */
static void decode_piece(struct charset_reader *r, struct slice piece, struct buf *to) {
    piece = cut_go_on(&r->cut, piece, decode_more, r, to);
    while (piece.len > 0) {
        struct slice step = slice_first(piece, STEP);
        size_t read = decode(r, step, true, to);
        piece = slice_from(piece, read);
        if (step.len - read > 0 && piece.len <= CHARSET_KEEP_MAX) {
            cut_keep(&r->cut, piece);
            return;
        }
    }
}

/* What tells nothing, and reads the same in all sets, goes through. Returns the rest. */
static struct slice pass_plain(struct charset_reader *r, struct slice piece, struct buf *to) {
    int label = r->charset;
    size_t plain = charset_tells_nothing(label, piece);
    r->charset = CHARSET_SINGLE;
    for (size_t at = 0; at < plain; at += STEP)
        (void)decode(r, slice_first(slice_from(piece, at), MIN(STEP, plain - at)), true, to);
    r->charset = label;
    r->state.begun = r->state.begun || plain > 0;
    return slice_from(piece, plain);
}

/* Until there is enough to decide by. Returns the rest. */
static struct slice hold(struct charset_reader *r, struct slice piece, struct buf *to) {
    if (r->held.len == 0)
        piece = pass_plain(r, piece, to);
    struct slice first = slice_first(piece, CHARSET_LOOK - r->held.len);
    buf_add(&r->held, first);
    return slice_from(piece, first.len);
}

static void decide_by_held(struct charset_reader *r, struct buf *to) {
    decide(r, buf_slice(&r->held));
    decode_piece(r, buf_slice(&r->held), to);
    buf_done(&r->held);
    r->held = (struct buf){0};
}

void charset_reader_add(struct charset_reader *r, struct slice piece, struct buf *to) {
    if (!r->decided) {
        piece = hold(r, piece, to);
        if (r->held.len == CHARSET_LOOK)
            decide_by_held(r, to);
    }
    if (r->decided)
        decode_piece(r, piece, to);
}

void charset_reader_end(struct charset_reader *r, struct buf *to) {
    if (!r->decided)
        decide_by_held(r, to);
    (void)decode(r, cut_bytes(&r->cut), false, to);
    r->cut.len = 0;
}

/* ------------------------------------------------------------------ whole texts */

void charset_decode(struct buf *to, int charset, struct slice bytes) {
    struct charset_reader r;
    charset_reader_init(&r, charset, false);
    bytes = pass_plain(&r, bytes, to);
    decide(&r, bytes);
    decode_piece(&r, bytes, to);
    charset_reader_end(&r, to);
}

void charset_decode_unlabelled(struct buf *to, struct slice bytes) {
    charset_decode(to, CHARSET_UNLABELLED, bytes);
}
