/* SPDX-License-Identifier: ISC */
/*
 * Values of facts in words, for show*.c.
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "events/event.h"
#include "events/kinds.h"

/* Not yet escaped: for text_wrap(). `wall` is the event's: times are told from there. */
void value_words(struct buf *to, const struct fact *fact, struct slice value, usec_t wall);

/*
 * For a sentence, in the language of the user: "0.4 ms", "12 ms", "1.23 s", "3 min 20 s". The short
 * form is for a column, in the symbols of every language, and ends with "3.3 min", "2.1 h", "1.0
 * d".
 */
void value_span(struct buf *to, usec_t span);
void value_span_short(struct buf *to, usec_t span);

/* Local date "2026-11-22" and time "20:12:42.123". */
struct value_clock {
    char text[TIME_TEXT_SIZE];
    struct slice date, time;
};
void value_clock(struct value_clock *c, usec_t wall);

/* The colour of a disposition as a terminal's number, 0: none. */
unsigned value_colour(enum kind_disposition disposition);

/* Begins and ends colour or bold, when wanted. */
void value_paint(struct buf *to, bool wanted, unsigned number);

/* Whether a sentence has these words in it, not only as a part of others. */
bool value_mentioned(struct slice text, struct slice words);
