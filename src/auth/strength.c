/* SPDX-License-Identifier: ISC */
/*
 * libzxcvbn gives bits; the scores are those of the original zxcvbn: 10^3, 10^6, 10^8 and 10^10
 * guesses. Its time grows faster than the password, so it sees the first 100 bytes, enough to be
 * strong. The advice names what the weakest way to guess it is made of.
 */
#include "auth/strength.h"

#include <zxcvbn.h>

#include "base/alloc.h"
#include "base/words.h"

#define LOOKED_AT   100U
#define WORD_MIN    3U
#define BITS_PER_10 3.3219280948873623 /* log2(10) */

static const double score_powers[] = {3, 6, 8, 10};

/* The kind of match that covers most of the password. */
static ZxcTypeMatch_t widest_match(const ZxcMatch_t *match) {
    int best = -1;
    ZxcTypeMatch_t type = NON_MATCH;
    for (; match; match = match->Next) {
        if (match->Length > best) {
            best = match->Length;
            type = (ZxcTypeMatch_t)((unsigned)match->Type & ~(unsigned)MULTIPLE_MATCH);
        }
    }
    return type;
}

static const char *what_is_wrong(ZxcTypeMatch_t type) {
    switch ((int)type) {
    case DICTIONARY_MATCH:
        return N_("it is on the lists of words and passwords that guessers start with");
    case DICT_LEET_MATCH:
        return N_("digits in place of letters do not hide a word from guessers");
    case USER_MATCH:
    case USER_LEET_MATCH:
        return N_("it is made of the person's own name or address");
    case REPEATS_MATCH:
        return N_("it repeats itself");
    case SEQUENCE_MATCH:
        return N_("it is a sequence such as abc or 123");
    case SPATIAL_MATCH:
        return N_("it is a walk over neighbouring keys");
    case DATE_MATCH:
    case YEAR_MATCH:
        return N_("dates and years are quickly guessed");
    default:
        return N_("it is too short");
    }
}

static size_t copy_words(const struct slice *words, size_t count,
                         const char *texts[STRENGTH_WORDS_MAX + 1]) {
    size_t n = 0;
    for (size_t i = 0; i < count && n < STRENGTH_WORDS_MAX; i++) {
        if (words[i].len < WORD_MIN || slice_find_byte(words[i], '\0') >= 0)
            continue;
        char *text = mem_str(words[i]);
        for (char *c = text; *c; c++)
            *c = ascii_lower(*c);
        texts[n++] = text;
    }
    texts[n] = NULL;
    return n;
}

void strength_check(struct slice password, const struct slice *words, size_t word_count,
                    struct strength *ret) {
    const char *texts[STRENGTH_WORDS_MAX + 1];
    size_t text_count = copy_words(words, word_count, texts);
    char *looked_at = mem_str(slice_first(password, LOOKED_AT));
    size_t len = strlen(looked_at);
    ZxcMatch_t *matches = NULL;

    *ret = (struct strength){0};
    if (len > 0)
        ret->bits = ZxcvbnMatch(looked_at, texts, &matches);
    while (ret->score < ARRAY_SIZE(score_powers) &&
           ret->bits >= score_powers[ret->score] * BITS_PER_10)
        ret->score++;
    ret->weak = ret->score < STRENGTH_GOOD;
    if (ret->weak)
        ret->weakness = what_is_wrong(widest_match(matches));

    ZxcvbnFreeInfo(matches);
    mem_wipe(looked_at, len);
    free(looked_at);
    for (size_t i = 0; i < text_count; i++)
        free((char *)(uintptr_t)texts[i]);
}
