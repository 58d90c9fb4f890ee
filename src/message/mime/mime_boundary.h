/* SPDX-License-Identifier: ISC */
/*
 * Boundaries and the lines that are their delimiters (RFC 2046 §5.1.1). A delimiter is a whole
 * line:
 * "--", the boundary, "--" when it is the last, blanks. So one boundary may begin with another. A
 * line is compared with many boundaries in little time, by hash before by byte. Pure.
 */
#pragma once

#include "base/slice.h"

#define MIME_BOUNDARY_READ 200U /* a longer boundary is none; the RFC allows 70 */
#define MIME_DELIMITER_MAX 512U /* a line that is as long, with its end, is no delimiter */

/* Zero value: none, which no line is a delimiter of. */
struct mime_boundary {
    uint32_t hash;
    size_t len;
    char text[MIME_BOUNDARY_READ];
};

/* Blanks at its end are dropped. False when it is empty or too long; it is none then. */
bool mime_boundary_set(struct mime_boundary *b, struct slice text);

/* A line that may be one. */
struct mime_delimiter {
    struct slice whole; /* behind "--" */
    struct slice cut;   /* the same without "--" at its end; empty: there is none */
    uint32_t whole_hash, cut_hash;
};

/* False when a line, which may lack its end, is no delimiter of any boundary. */
bool mime_delimiter_read(struct mime_delimiter *d, struct slice line);

/* Whether it is the delimiter of this one, and if so whether the last. */
bool mime_delimiter_is(const struct mime_delimiter *d, const struct mime_boundary *b,
                       bool *ret_last);
