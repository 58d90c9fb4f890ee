/* SPDX-License-Identifier: ISC */
/*
 * The id of a message: milliseconds since 2020-01-01 UTC, the worker that took it, and a counter,
 * so that ids sort by time of arrival and two processes never give out the same one.
 *
 *     bits 63..22  milliseconds since 2020 (until 2159)
 *     bits 21..14  worker
 *     bits 13..0   counter
 *
 * For people it is 13 characters of Crockford's base32 in lower case ("0c8q2zv5k7g00"), which sort
 * like the numbers and survive being read out over the telephone.
 */
#pragma once

#include "base/time.h"

typedef uint64_t queue_id;

#define QUEUE_ID_DIGITS 13
#define QUEUE_ID_SIZE   (QUEUE_ID_DIGITS + 1) /* with a NUL behind */

/* Gives out ids; one per process. Each worker number belongs to one living process at a time. */
struct queue_ids {
    uint8_t worker;
    uint16_t counter;
    uint64_t last_ms; /* of the id given out last; runs ahead of the clock rather than repeat */
};

/* The counter starts at a random place, so that a process that restarts differs from the one
 * before. */
void queue_ids_init(struct queue_ids *ids, uint8_t worker);

/*
 * The next id, always greater than the one before: also when the clock stepped back, and when more
 * than 16,384 are asked for within one millisecond.
 */
queue_id queue_id_next(struct queue_ids *ids, usec_t wall);

/* The wall time kept in an id, to the millisecond. */
usec_t queue_id_time(queue_id id);

/* The smallest id that could be given at this time: for ranges. */
queue_id queue_id_from(usec_t wall);

unsigned queue_id_worker(queue_id id);

struct slice queue_id_format(queue_id id, char text[static QUEUE_ID_SIZE]);

/* Exactly 13 characters in either case; o reads as 0, i and l as 1. 0 or -E_SYNTAX. */
int queue_id_parse(struct slice text, queue_id *ret);
