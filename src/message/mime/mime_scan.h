/* SPDX-License-Identifier: ISC */
/*
 * The parts of a message (RFC 2045, RFC 2046), found in one pass over its bytes, which come in
 * pieces cut anywhere: the same is found however they are cut. docs/mime.md says what is made of
 * messages that do not follow the RFCs, and why.
 *
 *     struct mime_scan *scan = mime_scan_new(&sink, arg);
 *     mime_scan_feed(scan, piece) ...
 *     mime_scan_end(scan);
 *
 * Lines end with CRLF or LF. The line end in front of a delimiter belongs to the delimiter. A
 * delimiter is a whole line: "--", the boundary, "--" when it is the last, blanks; the innermost
 * part with that boundary is meant. Headers end as header.h has it, or before a delimiter.
 *
 * Memory is bounded: MIME_HEADER_MAX for the fields of one header that the sink wants, and some
 * kilobytes; time is linear.
 */
#pragma once

#include "message/mime/mime.h"
#include "message/mime/mime_header.h"
#include "message/mime/mime_value.h"

#define MIME_SCAN_DEPTH 100U /* parts around a part */
#define MIME_SCAN_PARTS 1000U

struct mime_part {
    unsigned number; /* in the order of their headers; 0 is the whole message */
    unsigned parent; /* number of the part around it; 0 for the whole message */
    unsigned depth;  /* parts around it */
    unsigned place;  /* among the parts in its parent, from 1 */
    uint64_t header; /* offset of its header, or of its body when it has none */
    uint64_t body;   /* offset of its body */

    /* Once its header has ended. */
    bool is_cut; /* fields that were wanted were left out, or the end of one */
    enum mime_kind kind;
    enum mime_encoding encoding;
    struct mime_value type; /* never empty; stands while the sink's header() is called */

    /* Once it has ended. */
    uint64_t end;
    uint64_t lines; /* of its body: line ends, and 1 for a last line without one */
};

/* A part that is given stands until the function returns. A member may be NULL. */
struct mime_sink {
    /* Whether fields of this name are to be given; NULL: none but Content-*. */
    bool (*wants)(void *arg, struct slice name);

    /*
     * A part has begun and its header has ended. `fields` are those that were wanted, to be read
     * with header_next(); of each at most MIME_FIELD_MAX bytes, of all at most MIME_HEADER_MAX.
     */
    void (*header)(void *arg, const struct mime_part *part, struct slice fields);

    /*
     * Bytes of the body of a leaf, or of the text around the parts of a multipart. Where a
     * multipart turns out to have no parts, that text has been given as its own, and not as the
     * body of the part that is made for it.
     */
    void (*body)(void *arg, const struct mime_part *part, struct slice bytes);

    /* A part has ended; those in it have before. */
    void (*end)(void *arg, const struct mime_part *part);
};

struct mime_scan;

struct mime_scan *mime_scan_new(const struct mime_sink *sink, void *arg);
void mime_scan_free(struct mime_scan *scan);
DEFINE_CLEANUP(struct mime_scan, mime_scan_free)

void mime_scan_feed(struct mime_scan *scan, struct slice piece);

/* The end of the message: all parts end. Nothing may be fed behind it. */
void mime_scan_end(struct mime_scan *scan);
