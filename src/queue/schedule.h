/* SPDX-License-Identifier: ISC */
/*
 * When a message is tried again, when it is given up, and when its sender is told of a delay. Pure:
 * all times are wall times that are passed in, and so is chance. A clock that was set back makes a
 * message young again, never older.
 */
#pragma once

#include "queue/queue.h"

/*
 * The time of the next attempt after `attempts` of them (at least one) have failed; `chance` is any
 * random number. No later than `end`, when that is still to come: so the last attempt is made when
 * the message's time is over.
 */
usec_t schedule_next(const struct queue_schedule *s, uint32_t attempts, usec_t arrival, usec_t end,
                     usec_t now, uint64_t chance);

/* The wait itself, neither varied by chance nor cut: after a message may have arrived. */
usec_t schedule_wait(const struct queue_schedule *s, uint32_t attempts, usec_t age);

/* When a message's time is over: a failed attempt at or behind it is the last one. */
usec_t schedule_end(const struct queue_schedule *s, usec_t arrival, bool null_sender);
usec_t schedule_end_full(const struct queue_schedule *s, usec_t arrival, bool null_sender);

/* How many notices of delay are due at `now`: the first ones of s->notices. */
unsigned schedule_notices_due(const struct queue_schedule *s, usec_t arrival, usec_t now);

/* When the notice behind the first `told` ones is due, or USEC_NEVER. */
usec_t schedule_next_notice(const struct queue_schedule *s, usec_t arrival, unsigned told);
