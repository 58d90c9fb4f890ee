/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a text, and any part of it as a needle: what the needle asks for is among the terms
 * of the text, or in one of its words. The first bytes say which part, and how the text is cut.
 */
#include "base/error.h"
#include "search/document.h"
#include "search/needle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool has(const struct buf *terms, const char *before, struct slice text, const char *after) {
    _cleanup_(buf_done) struct buf term = {0};
    buf_add_str(&term, before);
    buf_add(&term, text);
    buf_add_str(&term, after);
    return slice_find(buf_slice(terms), buf_slice(&term)) >= 0;
}

struct look {
    const struct buf *terms;
    bool has_all;
    size_t count;
};

static void look_for_piece(void *arg, enum search_term kind, struct slice text) {
    struct look *look = arg;
    MUST(kind == SEARCH_PIECE);
    look->count++;
    look->has_all &= has(look->terms, " \x01", text, " ");
}

static void check(const struct search_document *d, struct slice text, struct slice needle) {
    struct search_needle n;
    search_needle_read(&n, needle);
    for (size_t i = 0; i < n.term_count; i++) {
        const struct search_needle_term *t = &n.terms[i];
        MUST(has(t->kind == SEARCH_WORD ? &d->words : &d->terms,
                 t->kind == SEARCH_PIECE ? " \x01" : " ", slice_of(t->text, t->len),
                 t->begins ? "" : " "));
    }
    for (size_t i = 0; i < n.part_count; i++) {
        const struct search_needle_part *p = &n.parts[i];
        struct slice part = slice_of(p->text, p->len);
        struct look look = {.terms = &d->terms, .has_all = true};
        search_needle_pieces(part, look_for_piece, &look);
        MUST(slice_find(text, part) >= 0);
        if (look.count == 0)
            look.has_all = has(&d->terms, " \x01", part, "");
        MUST(has(&d->words, p->begins ? " " : "", part, p->ends ? " " : "") || look.has_all);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(search_document_done) struct search_document d = {0};
    if (len < 4)
        return 0;
    struct slice text = slice_of(bytes + 3, len - 3), rest = text;
    size_t piece = (size_t)bytes[2] + 1, from = bytes[0] % text.len;
    struct slice needle = slice_first(slice_from(text, from), (size_t)bytes[1] + 1);
    /* A needle is text: it does not begin or end within a character. */
    while (needle.len > 0 && ((uint8_t)needle.ptr[0] & 0xc0) == 0x80)
        needle = slice_from(needle, 1);
    while (needle.len > 0 && needle.ptr + needle.len < text.ptr + text.len &&
           ((uint8_t)needle.ptr[needle.len] & 0xc0) == 0x80)
        needle.len--;
    for (; rest.len > 0; rest = slice_from(rest, piece))
        search_document_text(&d, SEARCH_ANY, slice_first(rest, piece));
    search_document_end(&d);
    buf_add_byte(&d.words, ' ');
    buf_add_byte(&d.terms, ' ');
    MUST(d.is_full || d.terms.len <= 8 * text.len + 2);
    check(&d, text, needle);
    return 0;
}
