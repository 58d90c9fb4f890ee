/* SPDX-License-Identifier: ISC */
/*
 * The bytes between DATA's 354 and CRLF.CRLF (RFC 5321 §4.1.1.4, §4.5.2). Pure.
 *
 * A line ends with CRLF and nothing else. A lone LF or CR, which other programs take for a line
 * end, never ends a line here and never starts the end of data; it makes the message unacceptable.
 * So no message that is accepted can be read as two by the next server ("SMTP smuggling").
 *
 *     struct smtp_body body = {.line_max = 8192};
 *     while (!body.ended) {
 *         struct slice rest = stream_window(s), chunk;
 *         while (smtp_body_next(&body, &rest, &chunk))
 *             store(chunk);                          unless body.fault
 *         consume what left `rest`, then read more
 *     }
 */
#pragma once

#include "base/slice.h"

enum smtp_body_fault {
    SMTP_BODY_FINE,
    SMTP_BODY_BARE_LF,
    SMTP_BODY_BARE_CR,
    SMTP_BODY_NUL,
    SMTP_BODY_LONG_LINE,
};

struct smtp_body {
    size_t line_max; /* bytes of a line with its CRLF, set by the caller */
    size_t line;     /* bytes of the present line so far */
    bool inside;     /* the next byte continues a line */
    bool ended;      /* CRLF.CRLF was read */
    enum smtp_body_fault fault;
};

/*
 * Cuts the next stretch of the message off the front of `*rest`: bytes as they are to be stored,
 * with stuffed dots taken out, borrowed from the window. False: the message ended, or more input is
 * needed; then up to two bytes stay in `*rest`. The fault, once found, stays; chunks still come.
 */
bool smtp_body_next(struct smtp_body *b, struct slice *rest, struct slice *ret_chunk);

/* "bare LF", ... for the reply. */
const char *smtp_body_fault_text(enum smtp_body_fault fault);
