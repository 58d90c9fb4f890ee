/* SPDX-License-Identifier: ISC */
/*
 * The queue for commands: asks the queue process while the server runs, and opens the queue
 * itself while it does not, without working on it: messages are listed, held, released, removed, or
 * marked to be tried at the next start. What is done to them is told to their journeys either way.
 */
#pragma once

#include "cli/cli.h"
#include "rpc/calls.h"

struct queue_access;

int queue_access_open(struct cli *c, struct queue_access **ret, struct problem *problem) WAITS;
void queue_access_close(struct queue_access *x) WAITS;
DEFINE_CLEANUP(struct queue_access, queue_access_close, WAITS)
bool queue_access_is_remote(const struct queue_access *x);

int access_queue_list(struct queue_access *x, const struct rpc_queue_list_in *in, struct arena *a,
                      struct rpc_queue_list_out *out, struct problem *problem) WAITS;
int access_queue_act(struct queue_access *x, const struct rpc_queue_act_in *in, struct arena *a,
                     struct rpc_queue_act_out *out, struct problem *problem) WAITS;
/*
 * Behind the last access_queue_act(), whether it succeeded or not, and the last use of the access:
 * writes into the event log what was done while the server does not run. Negative with a sentence
 * when the journeys are not told.
 */
int queue_access_report(struct cli *c, struct queue_access *x, struct problem *problem) WAITS;

int access_queue_bytes(struct queue_access *x, const struct rpc_queue_bytes_in *in, struct arena *a,
                       struct rpc_queue_bytes_out *out, struct problem *problem) WAITS;
