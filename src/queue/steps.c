/* SPDX-License-Identifier: ISC */
/*
 * The steps of an attempt side by side, and when their outcomes are settled meanwhile. A step may
 * take minutes; what is known must not wait for it:
 *
 *     a host has taken the message     at once: it must not be sent once more
 *     this host has done its part     as soon as none of its mailboxes is still to answer, so that
 *                                     a message for many of them costs one commit
 *     anything else without report    within GATHER_WAIT: hosts that fail do so by the dozen
 *     what the sender is told         within REPORT_WAIT, together with what else has failed
 *
 * A commit takes milliseconds, in which further outcomes gather for the next one. What the last
 * step brings is settled by the end of the attempt, so a message with a single step costs what it
 * always did.
 */
#include <errno.h>

#include "queue/attempt.h"

#define GATHER_WAIT USEC_SEC
#define REPORT_WAIT (30 * USEC_SEC)

static void helper_fiber(void *arg) WAITS {
    struct attempt *at = arg;
    while (at->next_step < at->step_count && !fiber_cancelled()) {
        carry_out(at, &at->steps[at->next_step++]);
        fiber_cond_wake_all(&at->step_done);
    }
    at->q->helpers -= --at->helpers > 0;
    fiber_cond_wake_all(&at->step_done);
}

/*
 * Fibers for the steps. The first one stands for the worker, which attends to them; there are more
 * as long as there is room.
 */
static void start_helpers(struct attempt *at) {
    struct queue *q = at->q;
    size_t want = MIN(at->step_count, ATTEMPT_FANOUT);
    while (at->helpers < want &&
           (at->helpers == 0 || work_active(q) + q->helpers < q->options.active_max)) {
        if (fiber_spawn("queue helper", helper_fiber, at) < 0)
            return;
        q->helpers += at->helpers++ > 0;
    }
}

static void attend_helpers(struct attempt *at) WAITS {
    usec_t soon_at = USEC_NEVER, reports_at = USEC_NEVER;
    while (at->helpers > 0) {
        struct settle_need need = settle_need(at);
        usec_t now = fiber_now();
        soon_at = need.soon ? MIN(soon_at, now + GATHER_WAIT) : USEC_NEVER;
        reports_at = need.report ? MIN(reports_at, now + REPORT_WAIT) : USEC_NEVER;
        if (fiber_cancelled()) {
            fiber_cancel_children();
        } else if (reports_at <= now) {
            settle(at, SETTLE_OUTCOMES);
            soon_at = reports_at = USEC_NEVER;
        } else if (need.now || soon_at <= now) {
            settle(at, SETTLE_PROGRESS);
            soon_at = USEC_NEVER;
        } else {
            (void)fiber_cond_wait_until(&at->step_done, MIN(soon_at, reports_at));
        }
    }
}

void steps_run(struct attempt *at) {
    carry_plan(at);
    if (at->step_count == 0)
        return;
    int error = attempt_open_body(at);
    for (size_t i = 0; error && i < at->count; i++)
        if (task_is_open(&at->tasks[i], WAY_MAILBOX) || task_is_open(&at->tasks[i], WAY_REMOTE))
            task_conclude_error(at, &at->tasks[i], error);
    if (error)
        return;
    /* A single step may take long, too, and something may wait already: an alias, a failure. */
    struct settle_need need = settle_need(at);
    if (at->step_count > 1 || need.soon || need.report)
        start_helpers(at);
    if (at->helpers > 0)
        attend_helpers(at);
    while (at->next_step < at->step_count && !fiber_cancelled()) { /* without helpers */
        if (settle_need(at).now)
            settle(at, SETTLE_PROGRESS);
        carry_out(at, &at->steps[at->next_step++]);
    }
}
