/* SPDX-License-Identifier: ISC */
/*
 * What becomes of characters when text is compared, for text_fold.c, casemap.c and nfc.c. Generated
 * by unicode_tables.py. Tables have two stages: of 64 characters that lie together each block
 * stands there once. Hangul syllables are not in them: their parts follow from their numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNICODE_END        0x30000U /* no table has anything from here on */
#define UNICODE_BLOCK_BITS 6U
#define UNICODE_BLOCK      (1U << UNICODE_BLOCK_BITS)

struct unicode_uint8 {
    const uint8_t *blocks;
    const uint8_t (*values)[UNICODE_BLOCK];
};
struct unicode_uint16 {
    const uint8_t *blocks;
    const uint16_t (*values)[UNICODE_BLOCK];
};

extern const struct unicode_uint16 unicode_folds;  /* place in unicode_texts; 0: it stays */
extern const struct unicode_uint16 unicode_titles; /* the same */
extern const struct unicode_uint16 unicode_canon;  /* the same: decomposed, and nothing else */
extern const struct unicode_uint8 unicode_classes; /* Canonical_Combining_Class */
extern const uint16_t unicode_texts[];             /* UTF-16, each behind its length */

/* Two characters that are one when text is composed; sorted. Of folded text alone. */
struct unicode_pair {
    uint32_t first, second, both;
};
extern const struct unicode_pair unicode_pairs[];
extern const size_t unicode_pairs_count;
extern const struct unicode_pair unicode_canon_pairs[]; /* of any text */
extern const size_t unicode_canon_pairs_count;

/* Hardly anything but marks is the second of two. */
static inline bool unicode_may_be_second(uint32_t c) {
    return (c >= 0x300 && c <= 0x1b35) || c == 0x3099 || c == 0x309a || c > 0xffff;
}

/* Hangul (The Unicode Standard §3.12): a syllable is L and V, or L, V and T. */
#define HANGUL_FIRST 0xac00U
#define HANGUL_COUNT 11172U
#define HANGUL_L     0x1100U
#define HANGUL_V     0x1161U
#define HANGUL_T     0x11a7U /* one before the first T */
#define HANGUL_LS    19U
#define HANGUL_VS    21U
#define HANGUL_TS    28U

static inline uint16_t unicode_uint16_of(const struct unicode_uint16 *t, uint32_t c) {
    return c < UNICODE_END ? t->values[t->blocks[c >> UNICODE_BLOCK_BITS]][c % UNICODE_BLOCK] : 0;
}

static inline uint8_t unicode_uint8_of(const struct unicode_uint8 *t, uint32_t c) {
    return c < UNICODE_END ? t->values[t->blocks[c >> UNICODE_BLOCK_BITS]][c % UNICODE_BLOCK] : 0;
}

/* The next character of a text of `*at` units from `*text` on. */
static inline uint32_t unicode_next(const uint16_t **text, unsigned *units) {
    uint32_t c = *(*text)++;
    *units -= 1;
    if (c >= 0xd800 && c < 0xdc00) {
        c = 0x10000 + ((c - 0xd800) << 10 | (*(*text)++ - 0xdc00U));
        *units -= 1;
    }
    return c;
}
