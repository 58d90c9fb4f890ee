/* SPDX-License-Identifier: ISC */
/*
 * Reports of TLS (RFC 8460 §4): what a host that sends mail has met when it used TLS with the mail
 * hosts of a domain, as JSON. Pure.
 *
 * Reading is lenient: what is there is taken, what lacks is empty or 0. Texts are as the other side
 * wrote them.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"

#define TLSRPT_BYTES_MAX  (8U << 20) /* of one report, unpacked */
#define TLSRPT_VALUES_MAX 200000U    /* of JSON in it */

/* What failed, and how often (§4.3). */
struct tlsrpt_failure {
    struct slice type; /* "certificate-expired", "starttls-not-supported", ... */
    struct slice sending_ip, receiving_ip, mx, helo, reason; /* each may be empty */
    uint64_t sessions;
    struct tlsrpt_failure *next;
};

/* A policy that was applied. */
struct tlsrpt_policy {
    struct slice type;     /* "sts", "tlsa", "no-policy-found" */
    struct slice domain;   /* in small letters */
    struct slice *strings; /* the policy itself, a line each */
    size_t string_count;
    struct slice *mx; /* the patterns of hosts in it */
    size_t mx_count;
    uint64_t succeeded, failed; /* sessions */
    struct tlsrpt_failure *failures;
    struct tlsrpt_policy *next;
};

struct tlsrpt_report {
    struct slice organization, contact, id;
    usec_t begin, end; /* wall time; 0: not said */
    struct tlsrpt_policy *policies;
};

/*
 * Reads one: JSON, gzip or zip of it, whatever its name says. The result is the arena's. -E_SYNTAX
 * or -E_LIMIT with a sentence.
 */
int tlsrpt_read(struct slice file, struct arena *a, struct tlsrpt_report *ret,
                struct problem *problem);

/* What reads the reports of a file or message gets each, good or bad. */
struct tlsrpt_sink {
    void (*report)(void *arg, const struct tlsrpt_report *report);
    void (*bad)(void *arg, const struct problem *problem);
};

/* The same of a report, or of all the reports in a message. A bad one hides no other. */
void tlsrpt_read_all(struct slice bytes, const struct tlsrpt_sink *sink, void *arg);

/* The JSON of one (§4.4). */
void tlsrpt_write(struct buf *to, const struct tlsrpt_report *report);
