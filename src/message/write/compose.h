/* SPDX-License-Identifier: ISC */
/*
 * A whole message out of its parts: what we write ourselves (notices, reports, the test message of
 * the command line). The result is 7-bit with CRLF line ends, ready for the queue; only addresses
 * that hold UTF-8 themselves stand in it as they are (RFC 6532).
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "message/address/address.h"

struct compose_mailbox {
    struct slice name; /* display name in UTF-8, may be empty */
    const struct address *address;
};

struct compose_attachment {
    struct slice file_name; /* UTF-8 */
    struct slice type;      /* "application/pdf"; empty: application/octet-stream */
    struct slice bytes;
};

struct compose {
    struct compose_mailbox from;
    const struct compose_mailbox *to;
    size_t to_count;
    const struct compose_mailbox *cc;
    size_t cc_count;
    struct slice subject;    /* UTF-8 */
    usec_t date;             /* wall time */
    struct slice message_id; /* with brackets: message_id_make() */
    bool automatic;          /* "Auto-Submitted: auto-generated" (RFC 3834 §5) */
    struct slice text;       /* UTF-8; LF or CRLF */
    const struct compose_attachment *attachments;
    size_t attachment_count;
    struct slice boundary; /* random token of at most 60 characters; only with attachments */
};

void compose_message(struct buf *to, const struct compose *message);

/* "Name: value" of mailboxes, folded. */
void compose_mailboxes(struct buf *to, const char *name, const struct compose_mailbox *boxes,
                       size_t count);

/* "Subject: ..." or another field of unstructured UTF-8 text. */
void compose_text_field(struct buf *to, const char *name, struct slice text);

/* Content-Type and Content-Transfer-Encoding of a UTF-8 text, the empty line, and the text. */
void compose_text_part(struct buf *to, struct slice text);

/*
 * CRLF, "--boundary", with "--" behind the last one, CRLF. The first CRLF belongs to the boundary
 * (RFC 2046 §5.1.1); before the first part it is the empty line that ends the header.
 */
void compose_boundary(struct buf *to, struct slice boundary, bool last);
