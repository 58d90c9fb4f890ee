/* SPDX-License-Identifier: ISC */
/*
 * What the queue tells of a message's journey (queue_ops.event), in the words of the event log: for
 * the queue role, and for the command line, which acts on the queue itself while nothing runs.
 */
#pragma once

#include "queue/queue.h"
#include "rpc/calls.h"

/* The kind of event, for one of the queue's. */
const char *queue_event_kind(const char *kind);

/* As many facts as an event takes; their values stay borrowed. Returns how many. */
#define QUEUE_FACTS_MAX 32U
size_t queue_event_facts(const struct queue_field *fields, size_t count,
                         struct rpc_field ret[static QUEUE_FACTS_MAX]);
