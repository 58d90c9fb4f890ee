/* SPDX-License-Identifier: ISC */
/*
 * Messages on their way into the index: the texts in which people search (texts.h) as terms
 * (document.h). Whatever is found in a message (confirm.h) is a hit of the index, since both go by
 * the same texts. Pure; memory and time as those.
 */
#pragma once

#include "search/document.h"

struct search_reading;

/* The document stays the caller's, and stands as long as this; he clears it between messages. */
struct search_reading *search_reading_new(struct search_document *d);
void search_reading_free(struct search_reading *r); /* NULL is fine */
DEFINE_CLEANUP(struct search_reading, search_reading_free)

/* A message in pieces, cut anywhere. */
void search_reading_feed(struct search_reading *r, struct slice piece);

/* It has ended: the document is whole. Another one may begin. */
void search_reading_end(struct search_reading *r);
