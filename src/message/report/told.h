/* SPDX-License-Identifier: ISC */
/*
 * What hosts report to each other of messages in the name of a domain (DMARC, RFC 9990, RFC 9991),
 * as values that travel between processes. They are read, added up, kept and written in reports/.
 */
#pragma once

#include "base/slice.h"
#include "base/time.h"

enum aggregate_disposition { /* RFC 9990 §3.1.1.9 */
                             AGGREGATE_NONE,
                             AGGREGATE_PASS, /* new in RFC 9990; before it, "none" */
                             AGGREGATE_QUARANTINE,
                             AGGREGATE_REJECT,
};

/* What SPF or DKIM said by itself, aligned or not. */
struct aggregate_auth {
    bool is_spf;
    struct slice domain, selector, result; /* "pass"; the selector is DKIM's */
};

/* Of one policy domain and one source: how many messages, and what became of them. */
struct tally_row {
    struct slice domain, source;
    uint64_t messages;
    uint64_t passed;    /* by any result that is aligned: aggregate_passed() */
    uint64_t dkim, spf; /* as the reports have it: aligned by this one */
    uint64_t quarantined, rejected;
};

/* An aggregate report that came, without its rows. */
struct kept_report {
    usec_t received;
    uint64_t message;      /* with which it came */
    struct slice verified; /* the author's domain of that message, if DMARC passed; or empty */
    struct slice organization, id, domain, policy; /* as the report has it */
    int64_t begin, end;                            /* seconds since 1970 */
    uint64_t messages;
};

/* One that could not be read. */
struct kept_bad {
    usec_t received;
    uint64_t message;
    struct slice reason; /* parts (base/error.h) */
};

/* A failure report: one message that has failed. What is not said is empty, or 0. */
struct failure_report {
    usec_t received; /* when and with which message it came, for who keeps it */
    uint64_t message;
    struct slice failure;   /* Auth-Failure: "dmarc", "spf", "signature" ... */
    struct slice alignment; /* Identity-Alignment: "none", "dkim, spf": what did not align */
    struct slice domain;    /* Reported-Domain; without it, that of the original's From */
    struct slice source;    /* Source-IP, in its one form */
    struct slice result;    /* Delivery-Result: "reject" ... */
    struct slice reporter;  /* Reporting-MTA without its type, or User-Agent */
    struct slice envelope_from, dkim_domain, dkim_selector;
    struct slice from, subject, message_id; /* of the original, as they stand in it, unfolded */
    usec_t arrival;                         /* wall time */
    uint64_t incidents;                     /* messages that it stands for; 1 where not said */
};

/* What a page of them is of (events.reports). */
enum report_list { REPORT_SOURCES, REPORT_REPORTS, REPORT_FAILURES, REPORT_BAD };

/* A message that was judged here, in the name of a domain that wants reports. No text has a NUL. */
struct seen_message {
    struct slice domain; /* whose record it is: the policy domain */
    struct slice p, sp, np, adkim, aspf, fo, testing, rua; /* of the record */
    struct slice source, header_from, envelope_from, reason;
    enum aggregate_disposition disposition;
    bool dkim, spf; /* aligned, and passed */
    struct aggregate_auth *auth;
    size_t auth_count;
};
