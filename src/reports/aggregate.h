/* SPDX-License-Identifier: ISC */
/*
 * Aggregate reports of DMARC (RFC 9990, and RFC 7489 before it): what somebody has seen of the
 * messages that name a domain as their author, by source address. Pure.
 *
 * Reports are read as they come: elements by their names, in whatever namespace, order and
 * surroundings they stand; what is missing is empty. A DTD is refused, and with it all that XML can
 * have read or multiplied. Names that are empty or too long are left out (AGGREGATE_TEXT_MAX).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "message/report/told.h"

#define AGGREGATE_TEXT_MAX 512U /* bytes of a text; a longer one is cut */
#define AGGREGATE_AUTH_MAX 8U   /* results of DKIM and SPF in a row; further ones are left out */

const char *aggregate_disposition_name(enum aggregate_disposition d);

struct aggregate_row {
    struct slice source; /* an IP address in its one form; as it stood there if it is none */
    uint64_t count;      /* messages; 1 where nothing readable is said */
    enum aggregate_disposition disposition;
    bool dkim, spf;           /* aligned, and passed */
    struct slice reason;      /* why the policy was not applied: the first type; or empty */
    struct slice header_from; /* domains, in small letters */
    struct slice envelope_from, envelope_to;
    struct aggregate_auth *auth;
    size_t auth_count;
    struct aggregate_row *next;
};

struct aggregate_report {
    struct slice organization, email, contact, id, generator; /* of who reports */
    int64_t begin, end;                                       /* seconds since 1970; 0: not said */
    struct slice domain, discovery, p, sp, np, adkim, aspf, fo, testing; /* the policy published */
    struct aggregate_row *rows;                                          /* in order */
    size_t row_count;
};

struct aggregate_limits {
    uint64_t bytes; /* of the XML */
    size_t rows;
};

/* Memory is at most some three times `bytes`, and 400 for each row. */
#define AGGREGATE_LIMITS_DEFAULT                                                                   \
    { .bytes = 32U << 20, .rows = 100000 }

/*
 * Reads a file: XML, or that in gzip or zip (open.h). Slices are the arena's. 0, or with a sentence
 * -E_SYNTAX or -E_LIMIT. What follows behind the end of the report is not looked at.
 */
int aggregate_read(struct slice file, const struct aggregate_limits *limits, struct arena *a,
                   struct aggregate_report *ret, struct problem *problem);

/*
 * Whether the messages of a row count as passed: by what is said of the policy, or by any result of
 * DKIM or SPF that is a pass of the author's domain. (Some reporters judge a message by one of its
 * two signatures, of which they know one algorithm only.)
 */
bool aggregate_passed(const struct aggregate_report *report, const struct aggregate_row *row);

/* Appends the XML of RFC 9990. Texts need not be well-formed UTF-8. */
void aggregate_write(struct buf *to, const struct aggregate_report *report);
