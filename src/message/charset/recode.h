/* SPDX-License-Identifier: ISC */
/*
 * The lines of a part written anew with at most 76 columns (RFC 2045 §6.7, §6.8): plain text
 * becomes quoted-printable, what is quoted-printable or base64 already gets more line breaks. The
 * lines come in pieces, cut anywhere. In constant memory.
 */
#pragma once

#include "base/buf.h"
#include "message/mime/mime.h"

struct recode {
    enum mime_encoding encoding; /* what the part has; not MIME_UNKNOWN */
    size_t column;
    char pending[3]; /* a blank, or an escape that is not whole */
    size_t pending_len;
};

/* A piece of a line, without its end. Of base64 all is left out that does not belong into it. */
void recode_add(struct recode *r, struct slice piece, struct buf *to);

/* The line end, as it stands in the message; empty at the very end of it. */
void recode_line_end(struct recode *r, struct slice end, struct buf *to);

/* The end of the part. */
void recode_end(struct recode *r, struct buf *to);
