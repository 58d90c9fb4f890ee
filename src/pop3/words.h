/* SPDX-License-Identifier: ISC */
/*
 * LANG (RFC 6856 §3): in which languages a client can be answered. Sentences about commands that
 * cannot be read stay English: they are for who writes such a client.
 */
#pragma once

#include "base/phrases.h"

struct pop3_language {
    const char *tag, *name; /* its own one, UTF-8 */
    bool japanese;
};
#define POP3_LANGUAGES 2U
extern const struct pop3_language pop3_languages[POP3_LANGUAGES];

/* The language that a range means, "ja-JP" or "*", say (RFC 4647 §3.4); NULL: none of ours. */
const struct pop3_language *pop3_language_find(struct slice range);

/* The Japanese of a sentence, or of its format; NULL: there is none. */
const char *pop3_japanese(struct slice english);

/* All of them, for tests. */
extern const struct phrase pop3_phrases[];
extern const size_t pop3_phrase_count;
