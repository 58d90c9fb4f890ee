/* SPDX-License-Identifier: ISC */
/*
 * SMTP replies (RFC 5321 §4.2) with enhanced status codes (RFC 3463, RFC 2034): composing them, as
 * a server, and reading them, as a client. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/* A reply line with its CRLF (RFC 5321 §4.5.3.1.5); what we send keeps to it. */
#define SMTP_REPLY_LINE 512U

/*
 * What we take in of one reply of a server. Of longer lines the beginning is kept; a reply with
 * more lines or more text ends the session.
 */
#define SMTP_REPLY_LINE_IN  2048U
#define SMTP_REPLY_LINES_IN 100U
#define SMTP_REPLY_TEXT_IN  16384U

/* An enhanced status code such as 5.1.1. Class 0: there is none. */
struct smtp_status {
    uint8_t class; /* 2, 4 or 5 */
    uint16_t subject, detail;
};

/*
 * A reply as a value. The text is borrowed; it may have several lines, separated by LF. Code 0 is
 * no reply.
 */
struct smtp_reply {
    unsigned code;
    struct smtp_status status;
    struct slice text;
};

/* SMTP_REPLY(550, 5, 1, 1, "No such user here"), also as a constant initialiser. */
#define SMTP_REPLY(code, class, subject, detail, text)                                             \
    ((struct smtp_reply){(code), {(class), (subject), (detail)}, S(text)})

/* A reply without enhanced status code: greeting, HELO, EHLO, 334, 354 (RFC 2034 §4). */
#define SMTP_REPLY_PLAIN(code, text) ((struct smtp_reply){(code), {0, 0, 0}, S(text)})

static inline bool smtp_reply_ok(const struct smtp_reply *r) {
    return r->code >= 200 && r->code < 400;
}

/*
 * Appends the reply as it travels: each line with code and status code, CRLF at the end. Bytes that
 * have no place in a reply become '?', and long lines are broken at a space where there is one.
 */
void smtp_reply_compose(struct buf *to, const struct smtp_reply *r);

/* One line "550 5.1.1 No such user here" for logs and DSNs, lines joined by a space. */
struct slice smtp_reply_text(struct arena *a, const struct smtp_reply *r);

/* "5.1.1"; empty when there is none. */
struct slice smtp_status_text(struct arena *a, struct smtp_status status);

/*
 * Reads "5.1.1" from the front of `*text` and drops it with one space behind it. False, and nothing
 * happens, when there is none.
 */
bool smtp_status_parse(struct slice *text, struct smtp_status *ret);

/* One line of a server's reply. `text` is cut from the line. */
struct smtp_reply_line {
    unsigned code; /* three digits */
    bool more;     /* "250-": another line follows */
    struct slice text;
};

/*
 * Reads one line, with or without its line end. What decides is three digits at its beginning, and
 * whether a hyphen follows; blanks and control bytes in front are nothing. -E_SYNTAX: no three
 * digits.
 */
int smtp_reply_line_parse(struct slice line, struct smtp_reply_line *ret);

/*
 * Collects the lines of one reply. Zero value: at the start; zero it again for the next reply.
 *
 *     while ((r = stream_read_line(s, SMTP_REPLY_LINE_IN, &line)) == 0)
 *         if ((r = smtp_reply_add(&reader, arena, line)) != 0)
 *             break;                   1: reader.reply is whole
 *
 * The code of the last line is the code of the reply (RFC 5321 §4.2): lines before it may have
 * others, or none. Control bytes of the text become '?', bytes above 127 are kept.
 */
struct smtp_reply_reader {
    struct smtp_reply reply; /* when whole; each line of its text without a status code */
    struct smtp_reply_part *first, *last; /* in the arena, like the text */
    unsigned lines;
    size_t size;
};

/*
 * 1 when the reply is whole, 0 when more lines are due, -E_SYNTAX (its code is not one of 200 to
 * 599), -E_LIMIT (SMTP_REPLY_LINES_IN, SMTP_REPLY_TEXT_IN; the line does not count any more).
 */
int smtp_reply_add(struct smtp_reply_reader *reader, struct arena *a, struct slice line);

/*
 * For a reply whose end will not come: makes it whole out of what has come. False, and nothing
 * happens, when no line had a code.
 */
bool smtp_reply_conclude(struct smtp_reply_reader *reader, struct arena *a);
