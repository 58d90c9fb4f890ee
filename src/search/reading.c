/* SPDX-License-Identifier: ISC */
#include "search/reading.h"

#include "base/alloc.h"
#include "search/texts.h"

struct search_reading {
    struct search_document *document;
    struct search_texts *texts;
};

static void add(struct search_reading *r, enum search_field field, struct slice text) {
    search_document_text(r->document, field, text);
    search_document_end(r->document);
}

static void on_line(void *arg, bool of_part, struct slice name, struct slice line,
                    struct slice value) {
    struct search_reading *r = arg;
    add(r, SEARCH_HEADER, line);
    if (!of_part && slice_eq_nocase(name, S("Subject")))
        add(r, SEARCH_SUBJECT, value);
}

static void on_people(void *arg, enum search_field field, struct slice text) {
    add(arg, field, text);
}

static void on_body(void *arg, struct slice piece) {
    struct search_reading *r = arg;
    search_document_text(r->document, SEARCH_BODY, piece);
}

static void on_body_end(void *arg) {
    struct search_reading *r = arg;
    search_document_end(r->document);
}

static const struct search_texts_sink sink = {NULL, on_line, on_people, on_body, on_body_end, NULL};

struct search_reading *search_reading_new(struct search_document *d) {
    struct search_reading *r = NEW(struct search_reading);
    r->document = d;
    r->texts = search_texts_new(&sink, r);
    return r;
}

void search_reading_free(struct search_reading *r) {
    if (!r)
        return;
    search_texts_free(r->texts);
    free(r);
}

void search_reading_feed(struct search_reading *r, struct slice piece) {
    search_texts_feed(r->texts, piece);
}

void search_reading_end(struct search_reading *r) {
    search_texts_end(r->texts);
}
