/* SPDX-License-Identifier: ISC */
/*
 * Comments and blanks between the tokens of a structured field (RFC 5322 §3.2.2, CFWS). Linear in
 * time, in constant memory.
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
