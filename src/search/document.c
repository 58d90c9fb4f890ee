/* SPDX-License-Identifier: ISC */
/*
 * A term is known by its hash of 64 bits, under the key of this process: two of a hundred thousand
 * terms are alike in one document of a billion, and nobody outside can bring it about.
 */
#include "search/document.h"

#include "base/alloc.h"
#include "base/siphash.h"

#define SEEN_MIN 1024U
#define SEEN_BIG 16384U /* a larger table is not kept for the next message */

void search_document_done(struct search_document *d) {
    buf_done(&d->words);
    buf_done(&d->terms);
    free(d->own.seen);
    *d = (struct search_document){0};
}

void search_document_clear(struct search_document *d) {
    buf_clear(&d->words);
    buf_clear(&d->terms);
    d->count = 0;
    d->is_full = false;
    if (d->own.seen_size > SEEN_BIG) {
        free(TAKE_PTR(d->own.seen));
        d->own.seen_size = 0;
    } else if (d->own.seen) {
        memset(d->own.seen, 0, d->own.seen_size * sizeof *d->own.seen);
    }
    d->own.tokens = (struct search_tokens){0};
}

/* The place of a hash: where it stands, or a free one. */
static uint64_t *place(uint64_t *seen, size_t size, uint64_t hash) {
    size_t at = hash & (size - 1);
    while (seen[at] && seen[at] != hash)
        at = (at + 1) & (size - 1);
    return &seen[at];
}

static void grow(struct search_document *d) {
    size_t size = MAX(d->own.seen_size * 2, SEEN_MIN);
    uint64_t *seen = mem_array(size, sizeof *seen);
    for (size_t i = 0; i < d->own.seen_size; i++)
        if (d->own.seen[i])
            *place(seen, size, d->own.seen[i]) = d->own.seen[i];
    free(d->own.seen);
    d->own.seen = seen;
    d->own.seen_size = size;
}

/* A term as it stands in the index. */
static void add(struct search_document *d, struct buf *to, struct slice term) {
    if (d->count * 2 >= d->own.seen_size)
        grow(d);
    uint64_t hash = siphash(term) | 1;
    uint64_t *at = place(d->own.seen, d->own.seen_size, hash);
    if (*at == hash)
        return;
    if (d->count == SEARCH_DOCUMENT_MAX) {
        d->is_full = true;
        return;
    }
    *at = hash;
    d->count++;
    buf_add_byte(to, ' ');
    buf_add(to, term);
}

static void take_term(void *arg, enum search_term kind, struct slice text) {
    struct search_document *d = arg;
    char marked[2 + SEARCH_TERM_MAX];
    size_t mark = 0;
    if (search_field_has_terms(d->own.field))
        marked[mark++] = (char)(SEARCH_MARK_FIELD + (int)d->own.field);
    size_t len = mark;
    if (kind == SEARCH_PIECE)
        marked[len++] = SEARCH_MARK_PIECE;
    memcpy(marked + len, text.ptr, text.len);
    len += text.len;
    add(d, kind == SEARCH_WORD ? &d->words : &d->terms, slice_of(marked + mark, len - mark));
    if (mark > 0)
        add(d, &d->terms, slice_of(marked, len));
}

void search_document_text(struct search_document *d, enum search_field field, struct slice text) {
    if (field != d->own.field)
        search_document_end(d);
    d->own.field = field;
    d->own.tokens.emit = take_term;
    d->own.tokens.arg = d;
    search_tokens_feed(&d->own.tokens, text);
}

void search_document_end(struct search_document *d) {
    if (d->own.tokens.emit)
        search_tokens_end(&d->own.tokens);
}
