/* SPDX-License-Identifier: ISC */
/*
 * The parts of a message that may be reports, by their first bytes and not by the type that they
 * say they have; and what belongs to a feedback report (RFC 5965). Pure.
 */
#pragma once

#include "base/buf.h"

enum report_part {
    REPORT_PART_FILE,     /* gzip, zip, XML (not text/html), JSON (not as a text) */
    REPORT_PART_FEEDBACK, /* message/feedback-report: its fields */
    REPORT_PART_ORIGINAL, /* From, Subject and Message-ID of the message that these are about */
};

/* Called for each, in order, with its bytes out of their transfer encoding, which stand until it
 * returns. */
typedef void report_part_fn(void *arg, enum report_part part, struct slice bytes);

/* A message, with line ends CRLF or LF. Of each part at most `most` bytes are read. */
void report_parts(struct slice message, size_t most, report_part_fn *take, void *arg);
