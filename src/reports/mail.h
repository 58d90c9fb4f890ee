/* SPDX-License-Identifier: ISC */
/* Messages that carry a report. Pure. */
#pragma once

#include "base/time.h"
#include "message/address/address.h"

/* gzip (RFC 1952) of some bytes; no time stands in it, so equal bytes give equal files. */
void report_gzip(struct buf *to, struct slice bytes);

struct aggregate_mail {
    struct slice domain, id, organization; /* of the report */
    int64_t begin, end;
    struct slice file; /* gzip of its XML */
    const struct address *from, *to;
    struct slice host;                 /* the submitter: our name */
    usec_t now;                        /* wall time */
    struct slice message_id, boundary; /* as for compose.h */
};

/* The whole message of RFC 9990 §3.5.2: subject, a sentence for people, the file. */
void aggregate_mail_add(struct buf *to, const struct aggregate_mail *mail);
