/* SPDX-License-Identifier: ISC */
/*
 * What was seen of messages in the name of domains that want reports (RFC 9990), counted by day
 * (UTC) until the day's reports are made; and where these went, so that a destination that does not
 * take them is left alone. In the database of kept.h, by its rules.
 *
 * What strangers can make us keep is bounded: SEEN_DOMAINS_MAX domains of a day, SEEN_ROWS_MAX
 * different rows of each; what comes beyond is not counted.
 */
#pragma once

#include "reports/aggregate.h"
#include "reports/kept.h"

#define SEEN_DOMAINS_MAX 5000U
#define SEEN_ROWS_MAX    1000U
#define SEEN_DAYS        3    /* older days are not reported any more */
#define SEEN_SENDS_MAX   200U /* reports to one address within a day, about whatever domains */
#define SEEN_REST        (7 * USEC_DAY) /* of a destination that has refused a report */

/* All of them or none. Those of which a text is not as it has to be are left out. */
int seen_add(struct kept *k, int64_t day, const struct seen_message *messages, size_t count);

/*
 * Takes a domain's report of a day before `today` out of the database, for good: a crash or a
 * power cut behind it loses a report, and never doubles one. Policy, period and rows are set;
 * slices are the arena's. 1, 0: there is none (any more), or an error.
 */
int seen_take(struct kept *k, int64_t today, struct arena *a, struct aggregate_report *ret,
              struct slice *ret_rua);

/* 1: a report may go there, and is kept as going there with this message; 0: it rests, or has had
 * SEEN_SENDS_MAX. */
int seen_send(struct kept *k, struct slice destination, uint64_t message, usec_t now);

/* A message has failed. If it was a report, its destination rests. */
int seen_failed(struct kept *k, uint64_t message, usec_t now);
