/* SPDX-License-Identifier: ISC */
/*
 * How hard a new password is to guess, by libzxcvbn, which knows word lists, names, keyboard walks,
 * dates and repetitions. Takes up to a millisecond and an ordinary thread's stack: call it inside
 * offload(OFFLOAD_KDF).
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"

#define STRENGTH_GOOD 3U /* the least score that is taken without a word */

struct strength {
    double bits;          /* of the guesses an attacker needs, who knows how people choose */
    unsigned score;       /* 0 (known to every robot) to 4 (hard even with the hash in hand) */
    bool weak;            /* score below STRENGTH_GOOD */
    const char *weakness; /* what is wrong with it, marked for translation; NULL when not weak */
};

/* Words an attacker knows of this person: parts of the address, of the name. At most this many. */
#define STRENGTH_WORDS_MAX 16U

void strength_check(struct slice password, const struct slice *words, size_t word_count,
                    struct strength *ret);
