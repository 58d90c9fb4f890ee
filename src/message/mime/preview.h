/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a message's text for a list of messages (RFC 8970 §3): what a reader would see,
 * on one line, at most PREVIEW_CHARACTERS characters of UTF-8. It is taken from the first
 * text/plain or text/html that has anything to see; attachments count for nothing. HTML that says
 * it were text/plain is read as HTML. Bodies come encoded and in pieces; memory is bounded, and
 * what stands behind enough text is not looked at.
 */
#pragma once

#include "message/mime/html.h"
#include "message/mime/mime_scan.h"
#include "message/mime/transfer.h"

#define PREVIEW_CHARACTERS 200U  /* RFC 8970 §3.1 allows 256 */
#define PREVIEW_BYTES      2048U /* of decoded text that it is made of */
#define PREVIEW_CHARSET    40U

/* The zero value has seen nothing. */
struct preview {
    struct buf text; /* in its character set; of HTML what is visible */
    char charset[PREVIEW_CHARSET];
    size_t charset_len;
    bool is_html;
    bool taking;   /* the text is from part number `part`, and may go on */
    bool preamble; /* it is what stands in a multipart before its parts */
    unsigned part;
    uint64_t body; /* offset of the body of `part` */
    struct transfer transfer;
    struct html_text html;
    struct buf decoded;
};

void preview_done(struct preview *p);

/* The header of a part has ended; all parts are told, in their order. */
void preview_begin(struct preview *p, const struct mime_part *part, bool is_attachment);

void preview_body(struct preview *p, const struct mime_part *part, struct slice bytes);

/* Appends the preview; nothing when there is nothing to see. */
void preview_finish(const struct preview *p, struct buf *to);
