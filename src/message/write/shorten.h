/* SPDX-License-Identifier: ISC */
/*
 * Lines of more than 998 bytes in a message that one of our users hands in (RFC 5322 §2.1.1, RFC
 * 5321 §4.5.3.1.6). Other hosts may refuse them, or cut them in two; while a message is submitted
 * it may still be put right (RFC 6409 §8):
 *
 *   - a part with such a line becomes quoted-printable; one that is quoted-printable or base64
 *     already gets more line breaks. Parts without such a line stay as they are, to the byte;
 *   - a field of a header is folded at its blanks.
 *
 * What is signed stays as it is, so it is refused; so is what cannot be encoded (RFC 2046 §5: the
 * bytes around the parts of a multipart, reports) and a field without blanks.
 *
 * The message passes twice: the first time only says which parts need it.
 *
 *     struct shorten *s = shorten_new();
 *     shorten_begin(s, header, &out);  shorten_feed(s, piece, &out) ...  r = shorten_end(s, &out)
 *     the same again, now `out` is what goes on
 *
 * Memory is bounded: SHORTEN_HEADER_MAX for the header of a part, and a few kilobytes.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "message/write/refold.h"

#define SHORTEN_LINE_MAX   REFOLD_LINE_MAX /* without the line end */
#define SHORTEN_DEPTH      32U             /* multiparts inside one another */
#define SHORTEN_PARTS      1024U
#define SHORTEN_HEADER_MAX ((size_t)64 * 1024)

struct shorten;

struct shorten *shorten_new(void);
void shorten_free(struct shorten *s);
DEFINE_CLEANUP(struct shorten, shorten_free)

/*
 * Begins a pass with the header of the message, its empty line included. What can go on is appended
 * to `to`; in the first pass it is to be thrown away.
 */
void shorten_begin(struct shorten *s, struct slice header, struct buf *to);

/* More of the body, cut anywhere. */
void shorten_feed(struct shorten *s, struct slice piece, struct buf *to);

/* The end. 0, or -E_REFUSED with a sentence that says why it has to stay as it is. */
int shorten_end(struct shorten *s, struct buf *to, struct problem *problem);
