/* SPDX-License-Identifier: ISC */
/*
 * What a text that holds a needle must have among its terms (tokens.h). Pure.
 *
 * A needle is any part of a text: its first and its last run may be the end and the beginning of
 * longer ones there. So of a run of letters at an edge it is known only that a word of the text
 * contains it, ends with it, or begins with it; from all other runs terms follow. What is named
 * here is a condition that each text with the needle fulfils, and some others do.
 */
#pragma once

#include "search/tokens.h"

#define SEARCH_NEEDLE_TERMS 16U

struct search_needle {
    struct search_needle_term {
        enum search_term kind;
        bool begins; /* a term begins with it; else it is one */
        uint8_t len;
        char text[SEARCH_TERM_MAX];
    } terms[SEARCH_NEEDLE_TERMS]; /* each is there; the rarest ones, as far as they look it */
    size_t term_count;

    struct search_needle_part {
        bool begins, ends; /* of the word */
        bool is_letter;    /* one character, which begins one */
        uint8_t len;
        char text[SEARCH_TERM_MAX];
    } parts[2]; /* each lies in a word, or in a long one */
    size_t part_count;
};

/*
 * The needle comes folded, as the texts did. When neither terms nor parts follow from it, each text
 * may have it: so with nothing but separators, with one letter and with one kana.
 */
void search_needle_read(struct search_needle *n, struct slice needle);

/*
 * Gives each three characters that follow each other in a part: what a long word that has it is
 * found by. None of a part of two.
 */
void search_needle_pieces(struct slice part, search_emit *emit, void *arg);
