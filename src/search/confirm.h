/* SPDX-License-Identifier: ISC */
/*
 * Whether messages have what is looked for: the truth that an index only narrows. All questions
 * about a message are answered in one pass over it; those about fields that its map has, by the
 * map.
 *
 *     struct search_confirm *c = search_confirm_new(questions, count);
 *     for each message:
 *         search_confirm_begin(c, wanted);
 *         while (there is more && search_confirm_feed(c, piece)) ...
 *         search_confirm_end(c);
 *         search_confirm_has(c, i)
 *
 * A needle is found where it is part of one text of those of texts.h, folded alike. The empty one
 * is found in every message, in SEARCH_HEADER where the field is. Pure, so it may run in any
 * thread; time is linear in the message, and in the needles for each text they are looked for in.
 */
#pragma once

#include "search/texts.h"

struct search_question {
    enum search_field field; /* SEARCH_ANY: anywhere. SEARCH_SUBJECT: the first Subject */
    struct slice name;       /* of SEARCH_HEADER: any field of that name; of Message-ID,
                              * In-Reply-To and Date the first */
    struct slice needle;     /* folded (search_fold_needle()) */
};

struct search_confirm;

/* Questions and what they point at stay the caller's, and stand as long as this. */
struct search_confirm *search_confirm_new(const struct search_question *questions, size_t count);
void search_confirm_free(struct search_confirm *c);
DEFINE_CLEANUP(struct search_confirm, search_confirm_free)

/* A message begins. `wanted` says of each question whether it is asked of it; NULL: all are. */
void search_confirm_begin(struct search_confirm *c, const bool *wanted);

/* False: all that is asked is known, no more of the message is needed. */
bool search_confirm_feed(struct search_confirm *c, struct slice piece);

void search_confirm_end(struct search_confirm *c);
bool search_confirm_has(const struct search_confirm *c, size_t question);

/* Whether the map may answer it. */
bool search_question_suits_map(const struct search_question *q);

/* The texts of a map, each made when it is first asked for. Begins as {.map = ...}. */
#define SEARCH_MAP_TEXTS 8U
struct search_map {
    const struct message_map *map;
    struct buf texts[SEARCH_MAP_TEXTS];
    bool made[SEARCH_MAP_TEXTS];
};
void search_map_next(struct search_map *m, const struct message_map *map); /* another message's */
void search_map_done(struct search_map *m);

/*
 * The answer of the map alone: 1 or 0; -1 when the message has to be read. It never is for From,
 * To, Cc, Bcc and Subject unless the map is cut, nor for a Message-ID.
 */
int search_confirm_by_map(struct search_map *m, const struct search_question *q);
