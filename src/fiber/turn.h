/* SPDX-License-Identifier: ISC */
/*
 * Turns: order among fibers that do the same to one thing, whatever each has to wait for before. A
 * fiber takes its turn early, while the order is still right; goes about its preparations; waits
 * until all who took theirs before have passed on; and passes its own on when those behind may go:
 *
 *     fiber_turn_take(&turns, key, owner, &turn);
 *     ...                                            waits of any length
 *     r = fiber_turn_wait(&turn);
 *     fiber_turn_pass(&turn);                        often right before the call that matters:
 *     r = call();                                    nobody else runs until it waits
 *
 * Other than with a mutex those behind need not wait for the end of what is done. A fiber that
 * takes several turns takes them all before it waits for one: then nobody waits in a circle.
 */
#pragma once

#include "base/map.h"
#include "fiber/sync.h"

/* The queues by key. Zero: nobody is in one. */
struct fiber_turns {
    struct map last; /* struct fiber_turn: who came last */
};
void fiber_turns_done(struct fiber_turns *turns); /* nobody may be in one */

/* A place in a queue. Zero: in none, and then waiting and passing on do nothing. */
struct fiber_turn {
    struct fiber_turns *turns;
    struct slice key;
    const void *owner;
    struct fiber_turn *before, *after;
    struct fiber_cond called;
};

/*
 * Goes to the end of the queue for `key`, which is borrowed until the turn is passed on. An owner
 * who stands there already stays in the one place: `turn` is left as it is.
 */
void fiber_turn_take(struct fiber_turns *turns, struct slice key, const void *owner,
                     struct fiber_turn *turn);

int fiber_turn_wait(struct fiber_turn *turn) WAITS; /* 0 when nobody is before it */

/* Leaves the queue, at whatever place. */
void fiber_turn_pass(struct fiber_turn *turn);
