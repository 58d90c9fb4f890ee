/* SPDX-License-Identifier: ISC */
/*
 * Text from anywhere for a terminal: nothing in it moves the cursor, changes colours or the order
 * of what is read, and its width in columns is known. Pure.
 */
#pragma once

#include "base/buf.h"

/*
 * Appends with all but plain characters escaped: control characters (C0, DEL, C1), characters that
 * reorder or hide text, and bytes that are not UTF-8 become \xNN or \u{NNNN}.
 */
void text_add(struct buf *to, struct slice s);

/* As it is, but so that nothing in it means anything to roff, on a line for a macro or for text. */
void text_add_roff(struct buf *to, struct slice s);

/* As text_add, with internationalised domains in it as people read them (message/address/domain.h).
 */
void text_add_names(struct buf *to, struct slice s);

/* Columns that well-formed, escaped text takes: 2 for wide characters, 0 for combining ones. */
size_t text_columns(struct slice s);

/*
 * Appends escaped text, wrapped at blanks to lines of at most `width` columns where it can be. The
 * cursor stands at column `column`; further lines begin with that many blanks, or with fewer where
 * a word would be too long behind them. No line end behind.
 */
void text_wrap(struct buf *to, struct slice s, size_t column, size_t width);
void text_wrap_names(struct buf *to, struct slice s, size_t column, size_t width);

/* The same with the cursor at `at`, behind the column where further lines begin. */
void text_wrap_names_from(struct buf *to, struct slice s, size_t at, size_t column, size_t width);

void text_blanks(struct buf *to, size_t count);

/* Appends blanks up to a column, at least one; `line` is where in `to` the line begins. */
void text_column(struct buf *to, size_t line, size_t column);
