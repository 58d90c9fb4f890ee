/* SPDX-License-Identifier: ISC */
/*
 * Fibers: many conversations in one thread, each written top to bottom.
 *
 * A thread runs one scheduler (fiber_run). A fiber runs until it waits; only then another one runs,
 * so between two waits no other code of the process sees half-done work, and no locks are needed.
 * README.md in this folder has the rules.
 *
 * Every function marked WAITS parks the calling fiber and returns
 *     0            what was waited for has come
 *     -ETIMEDOUT   the deadline passed (its own or one around it)
 *     -ECANCELED   the fiber was cancelled; from then on every wait returns this at once
 * and may be called from a fiber only, never from an offloaded function.
 *
 * Fibers form a tree: a fiber does not end before its children. When its function returns, children
 * that still run are cancelled and waited for.
 */
#pragma once

#include "base/error.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/time.h"

struct fiber;

typedef void fiber_fn(void *arg) WAITS;

/* How a scheduler behaves; the zero value is right for a role. */
struct fiber_config {
    /*
     * Simulated time: the clock stands still while a fiber can run and jumps to the next timer when
     * none can. Starts at this wall time; 0: the real clocks.
     */
    usec_t simulate_from;

    /*
     * Called for a fiber that kept the others from running for over 10 ms, unless that was for want
     * of a processor; may be NULL. `computed` is its time on a processor, within 5 ms; in the rest
     * of `ran` a call blocked.
     */
    void (*ran_long)(void *arg, const char *fiber_name, usec_t ran, usec_t computed);
    void *ran_long_arg;
};

/*
 * Runs `fn(arg)` as the first fiber of this thread's scheduler; returns when it and all other
 * fibers have ended. 0, or negative when the scheduler could not start (memory, descriptors).
 */
int fiber_run(const struct fiber_config *config, fiber_fn *fn, void *arg);

/*
 * Starts a child of the calling fiber; it runs for the first time when the caller next waits. The
 * name (copied, cut at 31 bytes) is shown by the debugger and the `fibers` call. -ENOMEM when no
 * stack can be had: answer the peer that you are busy.
 */
int fiber_spawn(const char *name, fiber_fn *fn, void *arg);

/* The same as a child of another fiber, which has not ended: for work that outlives the caller. */
int fiber_spawn_under(struct fiber *parent, const char *name, fiber_fn *fn, void *arg);

/* The same, with a handle, which the caller must give to fiber_join() before its function ends. */
int fiber_start(const char *name, fiber_fn *fn, void *arg, struct fiber **ret_fiber);

/*
 * Waits until the fiber has ended and drops the handle. Not cut short by cancel or deadlines: a
 * caller in a hurry calls fiber_cancel() first.
 */
void fiber_join(struct fiber *f) WAITS;

/* Makes the fiber's present and all later waits return -ECANCELED; its children follow at its end.
 */
void fiber_cancel(struct fiber *f);

/* Cancels all children of the calling fiber and waits until they have ended. */
void fiber_cancel_children(void) WAITS;

/*
 * Ends the wait in which the fiber is, if it is in one, with -EINTR; what it waited for is not
 * lost. For those who know that it can bear that where it waits now.
 */
void fiber_interrupt(struct fiber *f);

struct fiber *fiber_self(void); /* NULL outside a fiber */
bool fiber_cancelled(void);
unsigned fiber_children(void); /* children of the calling fiber that have not ended */

/* What the calling fiber works for: its children, from now on, work for the same. NULL at first. */
void fiber_set_purpose(const void *purpose);
const void *fiber_purpose(void); /* NULL outside a fiber, too */

/* Gives way to the other fibers that can run. 0 or -ECANCELED. */
int fiber_yield(void) WAITS;

/*
 * For loops that may be long: has the calling fiber run for half a millisecond since its last wait?
 * The second gives way if so. Both only read the clock otherwise (30 ns). With simulated time,
 * every so many calls.
 */
bool fiber_ran_long(void);
int fiber_yield_if_long(void) WAITS; /* 0 or -ECANCELED */

int fiber_sleep(usec_t span) WAITS; /* 0 after the span; also -ETIMEDOUT, -ECANCELED as above */

/* The monotonic clock for waits, and the time of day; both read once per turn of the scheduler. */
usec_t fiber_now(void);
usec_t fiber_wall(void);

/*
 * A deadline around a block: every wait inside gives up at `at` (monotonic) with -ETIMEDOUT, unless
 * an outer deadline is earlier.
 *
 *     usec_t at = fiber_now() + 5 * USEC_SEC;
 *     _cleanup_(fiber_deadline_end) struct fiber_deadline d = fiber_deadline_begin(at);
 */
struct fiber_deadline {
    usec_t outer;
};
struct fiber_deadline fiber_deadline_begin(usec_t at);
void fiber_deadline_end(struct fiber_deadline *d);

/* For the `fibers` debug call: name, how long parked, what for. Calls `each` for every fiber. */
struct fiber_info {
    const char *name;
    const char *waits_for;
    usec_t parked_for;
    size_t stack_used;
};
void fiber_each(void (*each)(const struct fiber_info *info, void *arg), void *arg);

/* Numbers for status pages. */
struct fiber_stats {
    unsigned fibers, stacks;
    uint64_t switches;
};
void fiber_stats(struct fiber_stats *ret);
