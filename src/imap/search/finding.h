/* SPDX-License-Identifier: ISC */
/* What the find*.c share. */
#pragma once

#include "imap/fetch/ahead.h"
#include "imap/progress.h"
#include "imap/search/find.h"
#include "search/indexes.h"

enum imap_known { IMAP_HOLDS_NOT, IMAP_HOLDS, IMAP_NOT_KNOWN };

/*
 * The names that KEYWORD asks for, each once. Messages have few different sets of keywords; which
 * of the names are in one is found out for all of them at once, and remembered in a row, of which
 * there are as many as IMAP_FIND_ROWS bytes go. A row is that of all sets whose number it is of.
 */
#define IMAP_FIND_ROWS 131072U
struct imap_find_keywords {
    struct slice *names; /* sorted, without regard to case */
    size_t count, rows;
    uint32_t *sets; /* of each row: whose it is now; 0: nobody's */
    bool *has;      /* of each row: of each name */
};

/* What is prepared for a test of the program, by its key. */
union imap_find_test {
    const struct imap_set *uids; /* of sets */
    uint64_t flag;
    size_t question; /* of a text: its place among them */
    size_t keyword;  /* its place among the names */
};

#define IMAP_FIND_FEW    64U  /* messages that are looked at together at first */
#define IMAP_FIND_BATCH  256U /* ... and when it goes on: a batch costs a way to other threads */
#define IMAP_FIND_MEMORY 1048576U /* what a batch may hold of what is known of its messages */

/* A message of which is known that it is found, or not yet whether. */
struct imap_find_item {
    size_t place; /* in the view */
    struct store_message message;
    enum imap_known found;
    uint8_t *known; /* enum imap_known of each test that is not answered by the mailbox */
    bool *asked;    /* of each question: its text is to be read for it */
    bool *has;      /* of those that were asked */
};

/* Of a question: what the index has said, and where in it the last message was found. */
struct imap_find_narrowed {
    struct search_hits hits;
    size_t at;
};

struct imap_find {
    struct imap_session *s;
    const struct told *told; /* the mailbox */
    const struct buf *among; /* UIDs that are looked at; NULL: all */
    const struct imap_search_program *p;
    struct arena arena;
    usec_t now; /* wall time, for OLDER and YOUNGER */
    union imap_find_test *tests;
    struct imap_find_keywords keywords;
    struct search_question *questions;
    size_t question_count;
    struct search_indexes *indexes;      /* NULL: all texts are read */
    struct imap_find_narrowed *narrowed; /* for each question; NULL: the index was not asked */
    struct search_confirm *confirm;
    bool suits_map, suits_saved; /* a test of it does */
    bool finds_all;              /* it is ALL */
    bool *reached;               /* by the last imap_find_run() that did not know: nodes */

    struct imap_find_item *items, **wanted; /* `wanted`: those whose maps are read */
    size_t room, count, most; /* items; of this batch: how many there are, and may be */
    struct store_piece pieces[IMAP_FIND_BATCH]; /* in what is read or made */
    struct buf bytes, maps;
    struct arena map_arena;
    struct search_map map;
};

/* The names of all KEYWORDs of the program. */
void imap_find_prepare_keywords(struct imap_find *f);

/*
 * Asks the index all that it may know, once, unless so few messages are to be looked at that their
 * texts tell as soon; and gives up what it has said.
 */
void imap_find_ask_index(struct imap_find *f, size_t messages) WAITS;
void imap_find_drop_index(struct imap_find *f);

/* IMAP_HOLDS_NOT, or IMAP_NOT_KNOWN: by the index alone. */
enum imap_known imap_find_by_index(struct imap_find *f, size_t question, uint64_t body);

static inline bool imap_find_is_text(enum imap_search_key key) {
    return key >= IMAP_SEARCH_FROM && key <= IMAP_SEARCH_TEXT;
}

/* What the mailbox knows, and its index; IMAP_NOT_KNOWN of tests that take more. */
enum imap_known imap_find_by_mailbox(struct imap_find *f, size_t node,
                                     const struct store_message *m);

/* Whether a test is answered by when the message came to its mailbox, and its answer. */
bool imap_find_suits_saved(const struct imap_find *f, size_t node);
enum imap_known imap_find_by_saved(const struct imap_find *f, size_t node, usec_t saved);

/* Whether a test may be answered by a map, and its answer. */
bool imap_find_suits_map(const struct imap_find *f, size_t node);
enum imap_known imap_find_by_map(struct imap_find *f, size_t node,
                                 uint64_t body); /* f->map, the map of this message */

/*
 * Runs the program as far as the tests are known; `known` may be NULL. When that does not decide,
 * `reached` says which nodes still count.
 */
enum imap_known imap_find_run(struct imap_find *f, const struct store_message *m,
                              const uint8_t *known);

/* Whether a node still counts, after such a run, and is a test that is not known. */
bool imap_find_is_open(struct imap_find *f, size_t node, const struct imap_find_item *item);

/*
 * find.c: looks at those from `at` up to `end` until `enough` are found, whose UIDs are appended;
 * how far it has come is written. 0, or as imap_find_all().
 */
int imap_find_between(struct imap_find *f, struct imap_progress *progress, size_t *at, size_t end,
                      size_t enough, struct buf *uids) WAITS;

/* Answers the questions that are asked of the items by their texts. 0, or an error of reading. */
int imap_find_by_texts(struct imap_find *f) WAITS;
