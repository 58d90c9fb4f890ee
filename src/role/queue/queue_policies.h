/* SPDX-License-Identifier: ISC */
/*
 * The MTA-STS policies of the domains to which the queue sends: a keeper (policy/sts_keeper.h) that
 * asks resolver and fetcher, and the file in spool/ in which its policies are over a restart. The
 * file is written as a whole, a minute after a change and at the end; what a crash costs is fetched
 * again.
 */
#pragma once

#include "policy/sts_keeper.h"
#include "proc/process.h"

struct queue_policies;

struct queue_policies *queue_policies_new(struct process *p);

/* Reads the file, and starts the fiber that writes it. Before any of the two below. */
void queue_policies_start(struct queue_policies *q) WAITS;

/* Writes what has changed. */
void queue_policies_save(struct queue_policies *q) WAITS;

/*
 * What holds for the domain of the recipients. Nothing where the settings want no MTA-STS, or say
 * themselves where its messages go or what TLS there is. 0 or -ECANCELED.
 */
int queue_policies_find(struct queue_policies *q, struct slice domain, struct arena *a,
                        struct sts_found *ret) WAITS;

/* A message has failed by the policy: true if that is another one now. */
bool queue_policies_doubt(struct queue_policies *q, struct slice domain) WAITS;
