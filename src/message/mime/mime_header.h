/* SPDX-License-Identifier: ISC */
/*
 * The fields of a header that somebody wants, gathered line by line, in bounded memory: what is
 * gathered is again a header, to be read with header_next(). Lines are judged as header.h has it,
 * but that a field's name and colon have to stand within MIME_FIELD_MAX bytes.
 */
#pragma once

#include "base/buf.h"

#define MIME_FIELD_MAX  ((size_t)64 << 10) /* of a field, with its name; the rest is not kept */
#define MIME_HEADER_MAX ((size_t)256 << 10)

typedef bool mime_wants_fn(void *arg, struct slice name);

struct mime_header {
    struct buf fields; /* at most MIME_HEADER_MAX bytes, and a line end */
    size_t field_len;  /* kept of the last field */
    bool has_field;    /* a blank continues it */
    bool keep;         /* it is wanted, and there is room */
    bool is_cut;       /* something that was wanted was left out */
};

void mime_header_begin(struct mime_header *h);
void mime_header_done(struct mime_header *h);

/*
 * A line that is not empty, with its end, or the first MIME_FIELD_MAX bytes of a longer one. False:
 * it is no part of a header. Fields are kept whose name begins with "Content-", and those that
 * `wants` (which may be NULL) says.
 */
bool mime_header_line(struct mime_header *h, struct slice line, mime_wants_fn *wants, void *arg);

/* More of the last line. */
void mime_header_more(struct mime_header *h, struct slice bytes);
