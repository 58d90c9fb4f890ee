/* SPDX-License-Identifier: ISC */
/*
 * What an event says, in the language of the user.
 *
 * An event is stored with one whole sentence in English, and that is what logs and JSON have. A
 * person who reads another language gets a sentence that is made anew from the event's kind and
 * facts (say.c has a table of them), or the English one where they do not tell enough. The English
 * one may know a little more; the facts are shown beside either.
 */
#pragma once

#include "base/buf.h"
#include "events/event.h"

/* Appends the sentence, not yet escaped: for text_wrap(). */
void describe_event(struct buf *to, const struct event *e);

/*
 * Appends what the table has for this event, in English where there is no translation. False, and
 * nothing appended, where its facts are not enough.
 */
bool describe_from_facts(struct buf *to, const struct event *e);
