/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a message. The answers do not depend on how it is cut, agree with those of its map,
 * and a text in ASCII has each part of itself. What is found has its terms in the index. The first
 * bytes say how it is cut, and which part.
 */
#include "base/error.h"
#include "search/confirm.h"
#include "search/needle.h"
#include "search/reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define QUESTIONS 9U

static void answer(const struct search_question *qs, struct slice message, size_t piece,
                   bool *ret) {
    _cleanup_(search_confirm_free_p) struct search_confirm *c = search_confirm_new(qs, QUESTIONS);
    search_confirm_begin(c, NULL);
    for (; message.len > 0; message = slice_from(message, piece))
        if (!search_confirm_feed(c, slice_first(message, piece)))
            break;
    search_confirm_end(c);
    for (size_t i = 0; i < QUESTIONS; i++)
        ret[i] = search_confirm_has(c, i);
}

static void check_map(const struct search_question *qs, struct slice message, const bool *has) {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    _cleanup_(buf_done) struct buf blob = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    message_map_feed(maker, message);
    message_map_finish(maker, &blob);
    MUST(message_map_read(&a, buf_slice(&blob), &map) == 0);
    struct search_map m = {.map = &map};
    for (size_t i = 0; i < QUESTIONS; i++) {
        int known = search_confirm_by_map(&m, &qs[i]);
        bool joined = qs[i].field >= SEARCH_FROM && qs[i].field <= SEARCH_BCC; /* of many fields */
        MUST(known < 0 || known == has[i] || (joined && known == 1));
    }
    search_map_done(&m);
}

static bool has_term(const struct buf *terms, const char *mark, struct slice text, bool begins) {
    _cleanup_(buf_done) struct buf term = {0};
    buf_add_byte(&term, ' ');
    buf_add_str(&term, mark);
    buf_add(&term, text);
    buf_add_str(&term, begins ? "" : " ");
    return slice_find(buf_slice(terms), buf_slice(&term)) >= 0;
}

/* What search_index_find() asks of an index, of the document itself. */
static void check_terms(const struct search_question *q, const struct search_document *d) {
    char mark[3] = {0}, piece[3] = {0};
    struct search_needle n;
    size_t len = 0;
    search_needle_read(&n, q->needle);
    if (search_field_has_terms(q->field))
        mark[len++] = (char)(SEARCH_MARK_FIELD + (int)q->field);
    memcpy(piece, mark, len);
    piece[len] = SEARCH_MARK_PIECE;
    for (size_t i = 0; i < n.term_count; i++) {
        const struct search_needle_term *t = &n.terms[i];
        const struct buf *terms = t->kind == SEARCH_WORD && len == 0 ? &d->words : &d->terms;
        MUST(has_term(terms, t->kind == SEARCH_PIECE ? piece : mark, slice_of(t->text, t->len),
                      t->begins));
    }
}

static void check_index(const struct search_question *qs, struct slice message, const bool *has) {
    _cleanup_(search_document_done) struct search_document d = {0};
    _cleanup_(search_reading_free_p) struct search_reading *r = search_reading_new(&d);
    search_reading_feed(r, message);
    search_reading_end(r);
    buf_add_byte(&d.words, ' ');
    buf_add_byte(&d.terms, ' ');
    for (size_t i = 0; !d.is_full && i < QUESTIONS; i++)
        if (has[i])
            check_terms(&qs[i], &d);
}

/* A header that is empty, and a body in ASCII without escape sequences. */
static void check_part_of_itself(struct slice text, struct slice part, size_t piece) {
    _cleanup_(buf_done) struct buf message = {0}, needle = {0};
    bool has[QUESTIONS];
    buf_add_str(&message, "\r\n");
    buf_add(&message, text);
    search_fold_needle(part, &needle);
    struct search_question qs[QUESTIONS] = {{.field = SEARCH_BODY, .needle = buf_slice(&needle)},
                                            {.field = SEARCH_ANY, .needle = buf_slice(&needle)}};
    answer(qs, buf_slice(&message), piece, has);
    MUST(has[0] && has[1]);
}

static bool is_plain(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.ptr[i] > 126 || ((uint8_t)text.ptr[i] < ' ' && text.ptr[i] != '\n'))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    static const enum search_field fields[QUESTIONS] = {
        SEARCH_ANY, SEARCH_BODY, SEARCH_HEADER,  SEARCH_FROM,   SEARCH_TO,
        SEARCH_CC,  SEARCH_BCC,  SEARCH_SUBJECT, SEARCH_HEADER,
    };
    _cleanup_(buf_done) struct buf needle = {0};
    struct search_question qs[QUESTIONS];
    bool whole[QUESTIONS], cut[QUESTIONS];
    if (len < 4)
        return 0;
    struct slice message = slice_of(bytes + 3, len - 3);
    struct slice part = slice_first(slice_from(message, bytes[0] % message.len), bytes[1]);
    size_t piece = (size_t)bytes[2] + 1;
    search_fold_needle(part, &needle);
    MUST(needle.len <= 11 * part.len);
    for (size_t i = 0; i < QUESTIONS; i++)
        qs[i] = (struct search_question){fields[i],
                                         i == 2   ? S("X")
                                         : i == 8 ? S("Message-ID")
                                                  : S(""),
                                         buf_slice(&needle)};
    answer(qs, message, SIZE_MAX, whole);
    answer(qs, message, piece, cut);
    MUST(memcmp(whole, cut, sizeof whole) == 0);
    check_map(qs, message, whole);
    check_index(qs, message, whole);
    if (is_plain(message))
        check_part_of_itself(message, part, piece);
    return 0;
}
