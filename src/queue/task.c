/* SPDX-License-Identifier: ISC */
/*
 * Outcomes: what has become of a recipient in an attempt, with the words for it, and when it is
 * tried again.
 */
#include <errno.h>

#include "base/random.h"
#include "queue/attempt.h"

/* A failed attempt: when the next one is, or, when there is none, that it was the last. */
static void conclude_later(struct attempt *at, struct task *t) {
    const struct queue_schedule *s = &at->q->options.schedule;
    bool null_sender = at->envelope.reverse_path.len == 0;
    usec_t arrival = at->envelope.arrival, now = fiber_wall();
    usec_t end = t->full ? schedule_end_full(s, arrival, null_sender)
                         : schedule_end(s, arrival, null_sender);
    usec_t planned = t->before.next ? t->before.next : arrival;
    usec_t doubt = schedule_doubt(&at->q->wall, planned, fiber_now(), now);
    t->state.attempts++;
    if (now >= end && doubt == 0) {
        t->outcome = OUTCOME_FAILED;
        t->status = t->full ? S("5.2.2") : S("4.4.7");
        return;
    }
    if (at->chance == 0)
        at->chance = random_u64();
    usec_t next = t->unsure ? now + schedule_wait(s, t->state.attempts, now - arrival)
                            : schedule_next(s, t->state.attempts, arrival, end, now, at->chance);
    if (now >= end)
        next = t->unsure ? MAX(next, now + doubt) : now + doubt;
    t->state.next = MAX(next, t->not_before);
    t->state.status = t->full ? STATUS_FULL : t->unsure ? STATUS_UNSURE : STATUS_LATER;
    t->state.reply = slice_first(t->reply, REPLY_MAX);
    t->state.extra = t->peer;
}

void task_hold(struct attempt *at, struct task *t) {
    t->outcome = OUTCOME_LATER;
    t->state.attempts++;
    t->state.next = fiber_wall();
    t->state.status = STATUS_LATER;
    t->state.reply = slice_first(t->reply, REPLY_MAX);
    t->state.extra = t->peer;
    at->hold = true;
}

void task_conclude(struct attempt *at, struct task *t, enum outcome outcome,
                   struct smtp_reply reply) {
    t->outcome = outcome;
    t->reply = smtp_reply_text(at->a, &reply);
    t->status = smtp_status_text(at->a, reply.status);
    if (outcome == OUTCOME_LATER)
        conclude_later(at, t);
}

/* A role has ended and is being restarted, or something of this host is short for a moment. */
bool error_passes(int error) {
    return error == -EPIPE || error == -E_BUSY || error == -EMFILE || error == -ENFILE ||
           error == -ENOMEM || error == -ENOBUFS;
}

/* What could not even be begun, for a reason of our own. */
void task_conclude_error(struct attempt *at, struct task *t, int error) {
    struct smtp_reply lost =
        SMTP_REPLY(554, 5, 3, 0, "The message was damaged on our disk and cannot be read any more");
    struct smtp_reply later = {.code = 451, .status = {4, 3, 0}};
    if (at->gone || fiber_cancelled())
        return;
    at->broken |= error_passes(error);
    if (error_passes(error) && at->job->broken < BROKEN_MOST) {
        t->outcome = OUTCOME_AGAIN;
        return;
    }
    later.text = arena_printf(at->a, "Not possible at present: %s", error_text(error));
    task_conclude(at, t, error == -E_CORRUPT ? OUTCOME_FAILED : OUTCOME_LATER,
                  error == -E_CORRUPT ? lost : later);
}

bool task_is_open(const struct task *t, enum way way) {
    return t->due && t->way == way && t->outcome == OUTCOME_NONE;
}

void task_forget_wanted(struct attempt *at, struct task *t) {
    struct wanted *wanted = TAKE_PTR(t->wanted);
    if (!wanted)
        return;
    at->wanted_bytes -= wanted->memory.total;
    arena_done(&wanted->memory);
    free(wanted);
}
