/* SPDX-License-Identifier: ISC */
/*
 * Reports of TLS to other domains (RFC 8460): what the relay has met at their hosts is counted by
 * day (UTC), and once a day each domain that asks for it in DNS gets its report, by mail or over
 * HTTPS.
 *
 * A report goes out whatever a policy of TLS says (the message says TLS-Required: No), and for that
 * reason is never counted itself. A destination gets one a day, whichever domains name it, so that
 * nobody is flooded by domains that name him; one that does not take it gets none for seven days.
 * All of this is in memory: a restart forgets the day, so nothing is reported twice.
 */
#pragma once

#include "policy/sts_keeper.h"
#include "proc/process.h"
#include "queue/queue.h"

struct queue_tls_reports;

/* `queue` is filled in before the start. */
struct queue_tls_reports *queue_tls_reports_new(struct process *p, struct queue *const *queue);

void queue_tls_reports_free(struct queue_tls_reports *q); /* while it has not been started */

/* Sends what is known of the days before this one. 0 or -ECANCELED. */
int queue_tls_reports_send(struct queue_tls_reports *q, usec_t wall) WAITS;

/* Begins to send, in a fiber of its own, a while after each midnight. */
void queue_tls_reports_start(struct queue_tls_reports *q);

/* Counts what came of a transmission to a domain that has that MTA-STS policy. */
void queue_tls_reports_add(struct queue_tls_reports *q, struct slice domain,
                           const struct sts_found *found, const struct rpc_session *sessions,
                           size_t count);

/* A message has failed for good; if it is a report of ours its destination rests. */
void queue_tls_reports_failed(struct queue_tls_reports *q, queue_id id);
