/* SPDX-License-Identifier: ISC */
/*
 * Text cut into the terms by which it is found. Pure; the text comes folded (case, width, kana), in
 * UTF-8, in pieces cut anywhere, and what is not well-formed separates.
 *
 * Characters are of three classes. Those of scripts that put blanks between words form *words*;
 * those of scripts that do not (kanji, kana, hangul, Thai, signs such as emoji) are *unspaced*; the
 * rest separates. A run is as many characters of one class as stand side by side.
 *
 *     a run of letters and digits             its term
 *     up to 24 of them, 12 with a digit       the word
 *     more ("long": hashes, keys, base64)     each three that follow each other, then the last two,
 *                                             and the last one
 *     an unspaced run                         each two that follow each other, then the last one
 *
 * So whatever part of an unspaced run or of a long word is looked for, its characters lie in terms
 * that can be named, or in terms that begin with it. Parts of words need the list of all words
 * (index.h). An address or a host name is found by its parts; they have no term as a whole, which
 * would be one more word to keep for each and finds little that its parts do not.
 *
 * What becomes of a run depends on its characters alone, never on what stands around it: a needle
 * is cut by the same rule (needle.h). Whoever changes classes or bounds has to change
 * SEARCH_FORMAT in index.c.
 */
#pragma once

#include "base/slice.h"

#define SEARCH_WORD_MAX       24U                    /* characters of a word */
#define SEARCH_DIGIT_WORD_MAX 12U                    /* of one with a digit in it */
#define SEARCH_TERM_MAX       (4U * SEARCH_WORD_MAX) /* bytes of any term */

enum search_class { SEARCH_SEPARATOR, SEARCH_LETTER, SEARCH_UNSPACED };

enum search_class search_class(uint32_t character);

/* Whether a run of letters and digits is too long to be a word. */
static inline bool search_is_long(size_t characters, bool has_digit) {
    return characters > (has_digit ? SEARCH_DIGIT_WORD_MAX : SEARCH_WORD_MAX);
}

enum search_term {
    SEARCH_WORD,  /* a whole word */
    SEARCH_PAIR,  /* one or two unspaced characters */
    SEARCH_PIECE, /* one to three characters of a long word */
};

/* Is given a term; its text lives until the call returns. */
typedef void search_emit(void *arg, enum search_term kind, struct slice text);

/* Begins as {.emit = ..., .arg = ...}. */
struct search_tokens {
    search_emit *emit;
    void *arg;

    struct {
        enum search_class run;
        size_t count; /* characters of the run; of a long one as many as are left in `text` */
        size_t len;
        bool has_digit, is_long;
        char text[SEARCH_TERM_MAX + 4]; /* of an unspaced run: its last character */
        char cut[4];                    /* the beginning of a character whose rest is to come */
        size_t cut_len;
    } own;
};

void search_tokens_feed(struct search_tokens *t, struct slice text);

/* The text ends here; another one may begin. */
void search_tokens_end(struct search_tokens *t);
