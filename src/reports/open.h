/* SPDX-License-Identifier: ISC */
/*
 * What is in a file that somebody has sent, by its first bytes, whatever its name and type say:
 * gzip (RFC 1952, several members too), zip (its first file), or the bytes as they are. Pure.
 *
 * It comes in pieces, so that a few bytes that become many cost time, which `most` bounds, but no
 * memory.
 */
#pragma once

#include "base/error.h"

enum report_wrapping { REPORT_PLAIN, REPORT_GZIP, REPORT_ZIP };

enum report_wrapping report_wrapping_of(struct slice bytes);

/* From the first byte on that is no blank, line end or byte order mark of UTF-8: some send these in
 * front of XML, where they are none. */
struct slice report_begin(struct slice bytes);

/* Takes the next piece. Whatever is not 0 ends the opening, which returns it. */
typedef int report_piece_fn(void *arg, struct slice piece);

/*
 * 0, what `take` has returned, or with a sentence -E_SYNTAX (it is damaged, or of a kind that is
 * not read: encrypted, another method than deflate) or -E_LIMIT (more than `most` bytes).
 */
int report_open(struct slice bytes, uint64_t most, report_piece_fn *take, void *arg,
                struct problem *problem);
