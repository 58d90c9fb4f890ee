/* SPDX-License-Identifier: ISC */
/*
 * When a message is tried again, when it is given up, and when its sender is told of a delay. Pure:
 * all times are wall times that are passed in, and so is chance. A clock that was set back makes a
 * message young again, never older. One that has gone ahead is not believed at once: see struct
 * schedule_clock.
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

/*
 * A machine may start with a clock that is years ahead, until it hears the time from others, and be
 * without network until then; or it wakes from a sleep of days. So a message whose attempt comes
 * much later than it was planned is not given up before the clock has gone on evenly for an hour;
 * then it has been tried twice. Once the clock is set back, plans that were made by the wrong one
 * are void.
 */
struct schedule_clock {
    usec_t ahead; /* the wall clock's, of the one that only goes on */
    usec_t since; /* fiber_now(): it has gone on evenly from then on */
};

/* What its owner finds at each look, at least once a minute. */
enum schedule_step { SCHEDULE_EVEN, SCHEDULE_AHEAD, SCHEDULE_BACK };
enum schedule_step schedule_look(struct schedule_clock *c, usec_t now, usec_t wall);

/* How long nothing that was planned for this time can be given up; 0: it can. */
usec_t schedule_doubt(const struct schedule_clock *c, usec_t planned, usec_t now, usec_t wall);

/* Whether no clock that was right can have planned this. */
bool schedule_is_void(const struct queue_schedule *s, usec_t planned, usec_t wall);

/* How many notices of delay are due at `now`: the first ones of s->notices. */
unsigned schedule_notices_due(const struct queue_schedule *s, usec_t arrival, usec_t now);

/* When the notice behind the first `told` ones is due, or USEC_NEVER. */
usec_t schedule_next_notice(const struct queue_schedule *s, usec_t arrival, unsigned told);
