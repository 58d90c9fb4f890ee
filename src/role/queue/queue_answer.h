/* SPDX-License-Identifier: ISC */
/*
 * What the queue answers to commands, for the queue role, and for the command line, which opens the
 * queue itself while the system is down.
 */
#pragma once

#include "queue/queue.h"
#include "rpc/calls.h"

int queue_answer_list(struct queue *q, const struct rpc_queue_list_in *in, struct arena *a,
                      struct rpc_queue_list_out *out) WAITS;
/* `by`: who orders it; in->by is only what he says of himself. */
int queue_answer_act(struct queue *q, const struct rpc_queue_act_in *in, struct slice by,
                     struct rpc_queue_act_out *out, struct problem *problem) WAITS;
int queue_answer_bytes(struct queue *q, const struct rpc_queue_bytes_in *in, struct arena *a,
                       struct rpc_queue_bytes_out *out, struct problem *problem) WAITS;
