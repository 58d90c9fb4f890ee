/* SPDX-License-Identifier: ISC */
/*
 * The body of a multi-line reply (RFC 1939 §3): dots at the beginning of lines are doubled, and a
 * line with a dot ends it; for TOP only the header and some lines of the body. Pure and streaming:
 * the bytes of a message go in as they come, in parts of any size.
 *
 * A line begins behind any LF: messages should have CRLF only, and where one does not, the client
 * that takes a lone LF for a line end must not see the end of the reply inside a message.
 */
#pragma once

#include "base/buf.h"

#define POP3_ALL_LINES UINT64_MAX

struct pop3_text {
    uint64_t lines_left; /* of the body */
    bool in_body;
    bool blank;      /* no byte but CR in this line so far */
    bool line_start; /* the next byte begins a line */
    bool crlf;       /* what went out so far ends with CRLF */
    bool after_cr;
    bool done; /* no more bytes are wanted */
};

void pop3_text_init(struct pop3_text *t, uint64_t body_lines);

/* Appends what is to be sent for these bytes. */
void pop3_text_add(struct pop3_text *t, struct slice bytes, struct buf *to);

/* Appends the end, with a CRLF before it when the message had none at its end. */
void pop3_text_end(struct pop3_text *t, struct buf *to);
