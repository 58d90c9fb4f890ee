/* SPDX-License-Identifier: ISC */
/*
 * The writing side of MIME: everything comes out as 7-bit ASCII in short lines. Text is UTF-8;
 * bytes that are not are written as U+FFFD in headers and as they are in bodies. Control characters
 * in header text become spaces, so that no text can begin a field of its own.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "message/write/fold.h"

#define ENCODE_COLUMNS 76 /* RFC 2045 §6.7, §6.8; RFC 2047 §2 */

/* Messages, digits, blanks and signs of ASCII only; no control characters, no byte above 127. */
bool text_is_plain(struct slice text);

/*
 * Unstructured text (Subject): plain words as they are, the stretch from the first to the last word
 * that needs it as encoded words (RFC 2047, UTF-8 in base64, at most 75 columns each, no character
 * cut in two).
 */
void encode_text(struct fold *f, struct slice text);

/* A display name (RFC 5322 §3.2.5 phrase): atoms, a quoted string, or encoded words. */
void encode_phrase(struct fold *f, struct slice name);

/*
 * "; name=value" of a MIME field (RFC 2045 §5.1): a token, a quoted string, or the numbered
 * extended form of RFC 2231 (`filename*0*=UTF-8''%E6%97%A9`) for a value that is long or not plain.
 */
void encode_parameter(struct fold *f, const char *name, struct slice value);

/* Whole bodies; each ends with CRLF, but for an empty one. */
void encode_base64_body(struct buf *to, struct slice bytes);
void encode_quoted_printable_body(struct buf *to, struct slice text); /* LF and CRLF end lines */
void encode_plain_body(struct buf *to, struct slice text);            /* LF becomes CRLF */

enum body_encoding {
    BODY_7BIT,
    BODY_QUOTED_PRINTABLE,
    BODY_BASE64,
};

/* The encoding that keeps a text readable and 7-bit; by what it holds. */
enum body_encoding body_encoding_for(struct slice text);

/* The name in Content-Transfer-Encoding. */
const char *body_encoding_name(enum body_encoding encoding);

/* Writes a body in that encoding. */
void encode_body(struct buf *to, enum body_encoding encoding, struct slice text);

/*
 * Copies text for a person into one line: control characters, and those that hide or turn
 * round what is read (utf8_is_hidden()), become spaces, runs of blanks one space, broken UTF-8 "?";
 * with `ascii`, each character above 127 too. At most `max` bytes, cut between characters with
 * "..." behind.
 */
struct slice text_one_line(struct arena *a, struct slice text, size_t max, bool ascii);
