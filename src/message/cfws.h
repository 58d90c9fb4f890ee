/* SPDX-License-Identifier: ISC */
/*
 * What a structured field consists of (RFC 5322 §3.2): comments and blanks between its tokens
 * (CFWS), and where a token ends. Linear in time, in constant memory.
 */
#pragma once

#include "base/slice.h"

#define CFWS_DEPTH 100 /* a comment nested deeper ends the reading */

/*
 * Length of the comment at the front of `s`, which begins with its "("; all of `s` when it is not
 * closed, 0 when it is nested too deep.
 */
size_t cfws_comment_length(struct slice s, bool *ret_closed);

/* Behind blanks and comments; at the end of `s` when one is nested too deep. */
struct slice cfws_pass(struct slice s);

/* A character that stands for itself between tokens (§3.2.3, specials). */
static inline bool cfws_is_special(char c) {
    return slice_find_byte(S("<>@,;:.()[]\\\""), c) >= 0;
}

/*
 * Length of a quoted string, or literal, at the front of `s`, up to the closing character,
 * backslashes obeyed; all of `s` when none closes.
 */
size_t cfws_quoted_length(struct slice s, char close);
