/* SPDX-License-Identifier: ISC */
/* Small forms for terminals, beside message/text.h. Pure. */
#pragma once

#include "base/buf.h"

/* Appends escaped text, at most `columns` of it, with "…" at its end when something is cut. */
void format_cut(struct buf *to, struct slice text, size_t columns);

/* Text wrapped to `width` with `indent` blanks before each line, and a line end. */
void format_paragraph(struct buf *to, struct slice text, size_t indent, size_t width);

/* A size for people, at most four digits and a unit of 1024: "0", "812", "4.1K", "50M". */
void format_size(struct buf *to, uint64_t bytes);

/*
 * Reads a size such as 500000, 64K, 50M, 2G, 1T (units of 1024, "KiB" and "KB" alike), or "none"
 * for 0. -E_SYNTAX, -E_LIMIT.
 */
int format_parse_size(struct slice text, uint64_t *ret);
