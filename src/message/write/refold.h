/* SPDX-License-Identifier: ISC */
/*
 * Lines of a header that are too long, folded at blanks that stand in them: no change of the field
 * (RFC 5322 §2.2.3). Lines that are short enough stay as they are, to the byte.
 */
#pragma once

#include "base/buf.h"

#define REFOLD_LINE_MAX 998U /* without the line end (RFC 5322 §2.1.1) */

struct refold {
    struct buf *to;
    bool has_long; /* a line was too long */
    bool is_stuck; /* it has no blank at which it could be folded, or is no field; it stays */
};

/* Lines with their ends; of a field they begin with its name. */
void refold_lines(struct refold *r, struct slice lines, bool is_field);
