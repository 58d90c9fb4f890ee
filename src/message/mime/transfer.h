/* SPDX-License-Identifier: ISC */
/*
 * The bytes of a part out of its transfer encoding (RFC 2045 §6), which come in pieces cut
 * anywhere: the same is given however they are cut. Everything is read, nothing is refused:
 *
 * - base64: what is no digit is passed over; "=" ends a group, and what is behind it is read on, as
 * where two encoded texts stand one behind the other; bits that make no octet are dropped.
 * - quoted-printable: "=" that begins neither an octet nor a soft line break stands for itself;
 * blanks at the end of a line are dropped, unless there are more than TRANSFER_BLANKS; line ends
 * stay as they are.
 * - any other: as it is.
 *
 * Linear time, constant memory.
 */
#pragma once

#include "base/buf.h"
#include "message/mime/mime.h"

#define TRANSFER_BLANKS 128U

/* Begins as {.encoding = ...}. */
struct transfer {
    enum mime_encoding encoding;
    uint64_t size; /* octets given so far */

    struct {
        struct buf *to;
        uint64_t digits; /* of base64, since the last "=" */
        uint32_t bits;
        char held[TRANSFER_BLANKS + 4]; /* of quoted-printable: "=" or blanks, and what follows */
        size_t held_len;
        bool many_blanks; /* there were too many of them to be held */
    } own;
};

/* Appends to `to`; with NULL only counts, for base64 at memory speed. */
void transfer_take(struct transfer *t, struct slice piece, struct buf *to);

/* The end of the part. */
void transfer_end(struct transfer *t, struct buf *to);
