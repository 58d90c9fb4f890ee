/* SPDX-License-Identifier: ISC */
/*
 * Failure reports of DMARC (RFC 9991, in the form of RFC 6591 and RFC 5965): one message that has
 * failed. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"

#define FAILURE_TEXT_MAX 512U /* bytes of a value; a longer one is cut */

/* What is not said is empty, or 0. Slices are the arena's. */
struct failure_report {
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

/*
 * The fields of message/feedback-report. 0; -E_SYNTAX with a sentence: it is none about
 * authentication (of abuse, say), or not readable.
 */
int failure_read(struct slice fields, struct arena *a, struct failure_report *ret,
                 struct problem *problem);

/* Adds what the header of the original says. */
void failure_add_original(struct failure_report *report, struct slice header, struct arena *a);
