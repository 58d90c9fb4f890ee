/* SPDX-License-Identifier: ISC */
/*
 * Each run of the needle goes through the same tokenizer as the texts. What comes of its right edge
 * is dropped when the text may go on there. Of more terms than there is room for those are kept
 * that look rare: long words first, kana last.
 */
#include "search/needle.h"

#include "base/encode.h"

/* As much of a needle is looked at: no longer one finds less. */
#define NEEDLE_MAX 1024U

struct reading {
    struct search_needle *needle;
    bool is_open; /* the text may go on behind the run that is being cut */
    unsigned rarity[SEARCH_NEEDLE_TERMS];
};

/* ------------------------------------------------------------------ terms */

static bool is_kana(struct slice text) {
    uint32_t c = 0;
    for (; text.len > 0; text = slice_from(text, utf8_decode(text, &c)))
        if (utf8_decode(text, &c) == 0 || c < 0x3040 || c > 0x30ff)
            return false;
    return true;
}

static size_t characters(struct slice text) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((uint8_t)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

static unsigned rarity(enum search_term kind, struct slice text) {
    if (kind == SEARCH_WORD)
        return 100 + (unsigned)text.len;
    if (kind == SEARCH_PIECE)
        return 50 + (unsigned)characters(text);
    return (is_kana(text) ? 10U : 30U) + (unsigned)characters(text);
}

/* Takes the term in, in the place of the one that looks least rare. */
static void add_term(struct reading *r, enum search_term kind, struct slice text, bool begins) {
    struct search_needle *n = r->needle;
    unsigned worth = rarity(kind, text);
    size_t at = 0;
    for (size_t i = 0; i < n->term_count; i++) {
        struct search_needle_term *t = &n->terms[i];
        if (t->kind == kind && t->begins == begins && slice_eq(slice_of(t->text, t->len), text))
            return;
        if (r->rarity[i] < r->rarity[at])
            at = i;
    }
    if (n->term_count < SEARCH_NEEDLE_TERMS)
        at = n->term_count++;
    else if (r->rarity[at] >= worth)
        return;
    r->rarity[at] = worth;
    n->terms[at] = (struct search_needle_term){kind, begins, (uint8_t)text.len, {0}};
    memcpy(n->terms[at].text, text.ptr, text.len);
}

/* What has fewer characters than its kind has in the middle of a run comes of the run's end. */
static void take_term(void *arg, enum search_term kind, struct slice text) {
    struct reading *r = arg;
    size_t full = kind == SEARCH_PAIR ? 2 : kind == SEARCH_PIECE ? 3 : 1;
    if (r->is_open && kind != SEARCH_WORD && characters(text) < full)
        return;
    add_term(r, kind, text, false);
}

/* ------------------------------------------------------------------ runs */

static void cut_run(struct reading *r, struct slice run, bool is_open) {
    struct search_tokens tokens = {.emit = take_term, .arg = r};
    r->is_open = is_open;
    search_tokens_feed(&tokens, run);
    search_tokens_end(&tokens);
}

static void take_letters(struct reading *r, struct slice run, bool begins, bool ends) {
    size_t count = characters(run);
    bool has_digit = false;
    for (size_t i = 0; i < run.len; i++)
        has_digit |= ascii_is_digit(run.ptr[i]);
    if ((begins && ends) || search_is_long(count, has_digit)) {
        cut_run(r, run, !ends);
    } else if (count > 1 || begins) {
        struct search_needle_part *p = &r->needle->parts[r->needle->part_count++];
        *p = (struct search_needle_part){begins, ends, count == 1, (uint8_t)run.len, {0}};
        memcpy(p->text, run.ptr, run.len);
    }
}

static void take_unspaced(struct reading *r, struct slice run, bool ends) {
    if (ends || characters(run) > 1)
        cut_run(r, run, !ends);
    else if (!is_kana(run))
        add_term(r, SEARCH_PAIR, run, true);
}

static enum search_class next_class(struct slice text, size_t *ret_len) {
    uint32_t c = 0;
    size_t len = utf8_decode(text, &c);
    *ret_len = MAX(len, 1);
    return len > 0 ? search_class(c) : SEARCH_SEPARATOR;
}

void search_needle_read(struct search_needle *n, struct slice needle) {
    struct reading r = {.needle = n};
    struct slice rest = slice_first(needle, NEEDLE_MAX);
    bool is_first = true;
    *n = (struct search_needle){0};
    /* A character that is cut by the bound is left out. */
    for (size_t i = 0;
         needle.len > NEEDLE_MAX && i < 3 && ((uint8_t)needle.ptr[rest.len] & 0xc0) == 0x80; i++)
        rest.len--;
    while (rest.len > 0) {
        size_t len, more;
        enum search_class class = next_class(rest, &len);
        while (len < rest.len && next_class(slice_from(rest, len), &more) == class)
            len += more;
        struct slice run = slice_first(rest, len);
        rest = slice_from(rest, len);
        if (class == SEARCH_LETTER)
            take_letters(&r, run, !is_first, rest.len > 0);
        else if (class == SEARCH_UNSPACED)
            take_unspaced(&r, run, rest.len > 0);
        is_first = false;
    }
}

void search_needle_pieces(struct slice part, search_emit *emit, void *arg) {
    uint32_t c;
    size_t ends[3] = {0}, at = 0; /* behind the last three characters */
    for (size_t count = 1; at < part.len; count++) {
        size_t from = ends[0];
        memmove(ends, ends + 1, sizeof ends - sizeof *ends);
        at += MAX(utf8_decode(slice_from(part, at), &c), 1);
        ends[2] = at;
        if (count >= 3)
            emit(arg, SEARCH_PIECE, slice_of(part.ptr + from, at - from));
    }
}
