/* SPDX-License-Identifier: ISC */
/*
 * Each character is looked up: the table has what it becomes, decomposed (unicode_tables.py:
 * folding and decomposing, one after the other until nothing changes). Then Unicode's canonical
 * composition (Unicode Standard Annex #15) of a character and the marks behind it, in the order of
 * their classes. So a character is written only when one has come that does not belong to it.
 */
#include "message/unicode/text_fold.h"

#include "base/encode.h"
#include "message/unicode/unicode_compose.h"

#define UNREADABLE 0xfffdU

/* Tags and further variation selectors, which nobody sees. */
#define INVISIBLE_FIRST 0xe0000U
#define INVISIBLE_LAST  0xe0fffU

/* A mark that is a letter by case folding; as that it stands behind the other marks. */
#define IOTA_BELOW 0x345U
#define IOTA       0x3b9U

static uint8_t class_of(uint32_t c) {
    return c < 0x300 ? 0 : unicode_uint8_of(&unicode_classes, c);
}

/* ------------------------------------------------------------------ composing */

static uint32_t compose(uint32_t first, uint32_t second) {
    return unicode_compose(unicode_pairs, unicode_pairs_count, first, second);
}

/* Orders the marks that are pending, and joins with their character what makes one with it. */
static void settle(struct text_fold *f) {
    unsigned count = 1, last = 0;
    for (unsigned i = 1; i < f->count; i++) {
        uint32_t c = f->pending[i];
        unsigned at = i;
        for (; at > 0 && class_of(f->pending[at - 1]) > class_of(c); at--)
            f->pending[at] = f->pending[at - 1];
        f->pending[at] = c;
    }
    if (f->count < 2 || class_of(f->pending[0]) > 0)
        return;
    for (unsigned i = 1; i < f->count; i++) {
        uint32_t c = f->pending[i], both = 0;
        if (class_of(c) > last)
            both = compose(f->pending[0], c);
        if (both > 0) {
            f->pending[0] = both;
        } else {
            f->pending[count++] = c;
            last = class_of(c);
        }
    }
    f->count = (uint8_t)count;
}

/* Only once are they settled before that: what is left then stays apart. */
static void write_settled(struct text_fold *f, struct buf *to) {
    buf_reserve(to, (size_t)4 * f->count);
    for (unsigned i = 0; i < f->count; i++) {
        uint32_t c = f->pending[i] == IOTA_BELOW ? IOTA : f->pending[i];
        to->len += utf8_encode(to->ptr + to->len, c);
    }
    f->count = 0;
}

static void write_pending(struct text_fold *f, struct buf *to) {
    settle(f);
    write_settled(f, to);
}

/* ------------------------------------------------------------------ one character */

/* Of what the table gives: folded and decomposed. */
static void add_part(struct text_fold *f, uint32_t c, struct buf *to) {
    bool mark = class_of(c) > 0;
    if (!mark || f->count == ARRAY_SIZE(f->pending)) {
        uint32_t both = 0;
        settle(f);
        if (f->count == 1 && !mark)
            both = compose(f->pending[0], c);
        if (both > 0) {
            f->pending[0] = both;
            return;
        }
        write_settled(f, to);
    }
    f->pending[f->count++] = c;
}

static void add_character(struct text_fold *f, uint32_t c, struct buf *to) {
    unsigned place = unicode_uint16_of(&unicode_folds, c);
    if (place == 0) {
        if (c < INVISIBLE_FIRST || c > INVISIBLE_LAST)
            add_part(f, c, to);
        return;
    }
    const uint16_t *text = &unicode_texts[place + 1];
    for (unsigned units = unicode_texts[place]; units > 0;)
        add_part(f, unicode_next(&text, &units), to);
}

/* ------------------------------------------------------------------ pieces */

/* The last one waits, as a mark may follow. */
static void add_ascii(struct text_fold *f, struct slice s, struct buf *to) {
    write_pending(f, to);
    buf_reserve(to, s.len);
    (void)slice_lower(slice_first(s, s.len - 1), to->ptr + to->len);
    to->len += s.len - 1;
    f->pending[f->count++] = (uint8_t)ascii_lower(s.ptr[s.len - 1]);
}

/* Returns how many bytes it has read: all but those of a character that is cut. */
static size_t add(struct text_fold *f, struct slice s, bool more, struct buf *to) {
    size_t at = 0;
    while (at < s.len) {
        struct slice rest = slice_from(s, at);
        size_t len = slice_ascii(rest);
        if (len > 0) {
            add_ascii(f, slice_first(rest, len), to);
        } else {
            uint32_t c = UNREADABLE;
            len = utf8_decode(rest, &c);
            if (len == 0 && more && utf8_is_cut(rest))
                break;
            add_character(f, c, to);
        }
        at += MAX(len, (size_t)1);
    }
    return at;
}

static size_t add_more(void *fold, struct slice utf8, struct buf *to) {
    return add(fold, utf8, true, to);
}

void text_fold_add(struct text_fold *f, struct slice utf8, struct buf *to) {
    utf8 = cut_go_on(&f->cut, utf8, add_more, f, to);
    if (utf8.len > 0)
        cut_keep(&f->cut, slice_from(utf8, add(f, utf8, true, to)));
}

void text_fold_end(struct text_fold *f, struct buf *to) {
    (void)add(f, cut_bytes(&f->cut), false, to);
    write_pending(f, to);
    f->cut.len = 0;
}
