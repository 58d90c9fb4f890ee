/* SPDX-License-Identifier: ISC */
/*
 * Writes the value of a header field word by word and folds it before it gets wider than 78
 * columns (RFC 5322 §2.1.1), with a blank in front of each continuation line.
 *
 *     struct fold f;
 *     fold_begin(&f, to, "Received");      "Received:"
 *     fold_word(&f, S("from"));            " from"
 *     fold_end(&f);                        CRLF
 *
 * Words are written as they are but for control characters, which become "?", so that nothing that
 * came from outside starts a line of its own. A word that is wider than a line stands alone on one;
 * no word gets longer than FOLD_WORD_MAX, the rest of it goes to the next line.
 */
#pragma once

#include "base/buf.h"

#define FOLD_COLUMNS  78
#define FOLD_WORD_MAX 900 /* below the 998 of RFC 5322 §2.1.1 */

struct fold {
    struct buf *to;
    size_t column;
};

void fold_begin(struct fold *f, struct buf *to, const char *name);
void fold_word(struct fold *f, struct slice word);
void fold_words(struct fold *f, struct slice text); /* each word between runs of blanks */
void fold_printf(struct fold *f, const char *format, ...) PRINTF_LIKE(2, 3); /* as one word */
void fold_glue(struct fold *f, struct slice text); /* onto the last word, without a blank */
void fold_end(struct fold *f);
