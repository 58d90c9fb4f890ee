/* SPDX-License-Identifier: ISC */
/*
 * What a client of IMAP is told after LANGUAGE (RFC 5255 §3): sentences of answers, all but those
 * about commands that cannot be read, which are for who writes such a client.
 */
#pragma once

#include "base/phrases.h"

/* The Japanese of a sentence, or of its format; NULL: there is none. */
const char *imap_japanese(struct slice english);

/* All of them, for tests. */
extern const struct phrase imap_phrases[];
extern const size_t imap_phrase_count;
