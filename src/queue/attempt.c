/* SPDX-License-Identifier: ISC */
/*
 * One attempt at a message: where do the recipients lead whose time has come, carry the message
 * there, make durable what became of them.
 *
 * An attempt that begins at the door does what takes milliseconds: mailboxes of this host, aliases.
 * If recipients at other hosts are left and others queue up behind the line, it ends there, and the
 * message joins the line. Addresses that lead nowhere are left to the second attempt, too, so that
 * the sender gets one report about them and what fails elsewhere.
 *
 * The message may be removed by a postmaster at any wait. So the attempt works on copies, and
 * settling finds out.
 */
#include <errno.h>

#include "queue/attempt.h"

#define HEADER_MAX     (1U << 20)      /* so much of a message is searched for signs of a loop */
#define TURN_WAIT      (10 * USEC_SEC) /* for the sake of order, and no longer */
#define BROKEN_PAUSE   USEC_SEC        /* doubled each time */
#define BROKEN_LONGEST (60 * USEC_SEC)

/* ------------------------------------------------------------------ routing */

struct routes {
    struct map shared; /* see route_keep() */
};

static void routes_done(struct routes *r) {
    map_done(&r->shared);
}

/*
 * What was accepted for somebody whose account is removed by now is not for the next one who has
 * his address. A clock that was ahead at the removal is not believed.
 */
static void leave_to_the_one_before(const struct attempt *at, struct route *route) {
    size_t kept = 0;
    for (size_t i = 0; i < route->mailbox_count; i++) {
        const struct route_mailbox *m = &route->mailboxes[i];
        if (m->replaced <= at->envelope.arrival || m->replaced > fiber_wall())
            route->mailboxes[kept++] = *m;
    }
    route->mailbox_count = kept;
    if (route->kind == ROUTE_LOCAL && kept + route->forward_count == 0)
        route->kind = ROUTE_UNKNOWN_USER;
}

static int resolve(struct attempt *at, struct task *t, struct routes *routes) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct route route = {0};
    const struct queue_ops *ops = &at->q->ops;
    _cleanup_(fiber_deadline_end) struct fiber_deadline d UNUSED =
        fiber_deadline_begin(fiber_now() + at->q->options.call_timeout);
    int error = ops->resolve(ops->arg, t->to->address, &a, &route);
    if (!error)
        leave_to_the_one_before(at, &route);
    if (!error)
        t->route = route_keep(at->a, &route, &routes->shared, &t->again);
    return error;
}

static void judge(struct attempt *at, struct task *t) {
    struct verdict v = t->mailbox ? route_judge_mailbox(&t->route, t->to->address, &t->to_mailbox)
                                  : route_judge(&t->route);
    if (v.way == WAY_MAILBOX && !t->mailbox)
        t->to_mailbox = &t->route.mailboxes[0];
    if (v.way == WAY_REMOTE && route_domain(t->to->address).len == 0)
        v = (struct verdict){WAY_NEVER, SMTP_REPLY(501, 5, 1, 3, "The address has no domain")};
    t->way = v.way;
    t->refusal = v.reply;
    if (v.way == WAY_LATER)
        task_conclude(at, t, OUTCOME_LATER, v.reply);
}

/* Finds the ways of all that are due. 0, or -ECANCELED. */
static int route_due(struct attempt *at) WAITS {
    _cleanup_(routes_done) struct routes routes = {0};
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (!t->due)
            continue;
        int error = resolve(at, t, &routes);
        if (fiber_cancelled())
            return -ECANCELED;
        if (error)
            task_conclude_error(at, t, error);
        else
            judge(at, t);
    }
    return 0;
}

static bool any_open(const struct attempt *at, enum way way) {
    for (size_t i = 0; i < at->count; i++)
        if (task_is_open(&at->tasks[i], way))
            return true;
    return false;
}

/* Behind the line messages that were tried before are kept apart. */
static enum load remote_load(const struct attempt *at) {
    for (size_t i = 0; i < at->count; i++)
        if (at->tasks[i].state.attempts > 0)
            return LOAD_RETRIED;
    return LOAD_FRESH;
}

/* What is to be done here does not wait for memory that messages to other hosts hold. */
static void decide_remote(struct attempt *at) {
    if (at->job->load != LOAD_LOCAL || !any_open(at, WAY_REMOTE))
        return;
    bool here = any_open(at, WAY_MAILBOX) || any_open(at, WAY_EXPAND);
    if (here && !budget_has_room(at->q, &at->q->budgets[1], attempt_memory(at)))
        at->local_only = true;
    else
        at->local_only = !work_may_go_remote(at->q, at->job, remote_load(at));
}

/* ------------------------------------------------------------------ turns */

/* In the order in which the messages came; of an address in capitals and not, it is one. */
static void take_turns(struct attempt *at) {
    if (at->job->load != LOAD_LOCAL)
        return;
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (!t->due || t->state.attempts > 0)
            continue;
        struct slice address = t->to->address;
        struct slice key = arena_lower(at->a, address);
        fiber_turn_take(&at->q->turns, key, at, &t->turn);
    }
}

/* Those that need no turn, or not any more: mailboxes have it until their delivery begins. */
static void pass_turns(struct attempt *at, bool aliases_too) {
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (!task_is_open(t, WAY_MAILBOX) && (aliases_too || !task_is_open(t, WAY_EXPAND)))
            fiber_turn_pass(&t->turn);
    }
}

/*
 * Until messages that came before are on their way; without the body in memory, for which those may
 * have to wait. When one of them is stuck, with a thousand recipients of whom some cannot be had,
 * order is given up. An alias has its turn now: from here to the commit with its new message there
 * is hardly a wait. 0, or -ECANCELED.
 */
static int await_turns(struct attempt *at) WAITS {
    _cleanup_(fiber_deadline_end) struct fiber_deadline d UNUSED =
        fiber_deadline_begin(fiber_now() + TURN_WAIT);
    int error = 0;
    pass_turns(at, false);
    for (size_t i = 0; !error && i < at->count; i++)
        error = fiber_turn_wait(&at->tasks[i].turn);
    pass_turns(at, true);
    return error == -ETIMEDOUT ? 0 : error;
}

/* ------------------------------------------------------------------ dead ends, aliases */

static void members_done(struct map *members) {
    map_done(members);
}

static void expand_one(struct attempt *at, struct task *t, struct slice header) {
    struct smtp_reply loop =
        SMTP_REPLY(550, 5, 4, 6, "The message goes round in a circle between mail systems");
    if (at->extra.depth < ROUTE_EXPANSIONS_MAX &&
        !(t->route.forward_count > 0 && route_is_loop(header, t->to->address)))
        task_conclude(at, t, OUTCOME_EXPANDED, (struct smtp_reply){250, {2, 1, 5}, S("Expanded")});
    else if (at->local_only)
        t->way = WAY_NEVER;
    else
        task_conclude(at, t, OUTCOME_FAILED, loop);
}

/*
 * Concludes what ends here: addresses that lead nowhere, unless they are left to the second
 * attempt, and aliases. The message to the targets is made when the outcome is settled.
 */
static void conclude_here(struct attempt *at) WAITS {
    struct slice header = S("");
    int error = any_open(at, WAY_EXPAND) ? content_begin(at, HEADER_MAX, &header) : 0;
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (task_is_open(t, WAY_NEVER) && !at->local_only)
            task_conclude(at, t, OUTCOME_FAILED, t->refusal);
        else if (task_is_open(t, WAY_EXPAND) && error)
            task_conclude_error(at, t, error);
        else if (task_is_open(t, WAY_EXPAND))
            expand_one(at, t, header);
    }
}

/*
 * Who was given behind a group he belongs to gets the group's copy: his address goes along with the
 * message to its targets, where the two meet.
 */
static void join_expansions(struct attempt *at) {
    _cleanup_(members_done) struct map members = {0};
    if (!any_open(at, WAY_MAILBOX))
        return;
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        for (size_t k = 0; t->outcome == OUTCOME_EXPANDED && k < t->route.mailbox_count; k++)
            (void)map_put(&members, map_u64(&t->route.mailboxes[k].account_id), t);
        if (!task_is_open(t, WAY_MAILBOX) || t->mailbox ||
            !map_get(&members, map_u64(&t->to_mailbox->account_id)))
            continue;
        t->shared = true;
        task_conclude(at, t, OUTCOME_EXPANDED, (struct smtp_reply){250, {2, 1, 5}, S("Expanded")});
    }
}

/* ------------------------------------------------------------------ the end */

/* How long to wait for what passes, such as a role that has ended; not at all without. */
static usec_t broken_pause(struct attempt *at) {
    struct job *job = at->job;
    bool tried = false;
    for (size_t i = 0; i < at->count; i++)
        tried |= at->tasks[i].outcome > OUTCOME_AGAIN;
    if (tried && !at->broken)
        job->broken = 0;
    if (!at->broken || job->broken == BROKEN_MOST)
        return 0;
    usec_t pause = BROKEN_PAUSE << job->broken;
    job->broken++;
    return MIN(pause, BROKEN_LONGEST);
}

/* What the next attempt counts as: where the message still has to go as far as is known. */
static enum load next_load(const struct attempt *at) {
    for (size_t i = 0; i < at->count; i++) {
        const struct task *t = &at->tasks[i];
        if (!t->settled &&
            (t->way == WAY_REMOTE || (t->way == WAY_UNKNOWN && at->job->load != LOAD_LOCAL)))
            return remote_load(at);
    }
    return LOAD_LOCAL;
}

static void leave(struct attempt *at) {
    struct queue *q = at->q;
    struct job *job = at->job;
    usec_t pause = broken_pause(at);
    for (size_t i = 0; i < at->count; i++) {
        fiber_turn_pass(&at->tasks[i].turn);
        task_forget_wanted(at, &at->tasks[i]);
    }
    attempt_close_body(at);
    q->active[job->load]--;
    destination_unreserve(q, job);
    job->load = (uint8_t)next_load(at);
    job->place = AT_REST;
    const struct spool_message *message = spool_find(q->spool, job->id);
    if (fiber_cancelled() && message)
        return;
    if (at->crowded.len > 0 && message && !message->hold)
        destination_wait(q, destination_get(q, at->crowded), job, settle_next(at, pause));
    else
        job_place(q, job, at->local_only ? 0 : settle_next(at, pause));
}

/* Waits for a postmaster's change under way; then reads. False: there is nothing to try. */
static bool begin(struct attempt *at, struct queue *q, struct job *job, struct arena *a) WAITS {
    struct job *locked;
    *at = (struct attempt){.q = q, .job = job, .id = job->id};
    if (job_lock(q, job->id, &locked) < 0)
        return false;
    bool there = attempt_load(at, q, job, a);
    const struct spool_message *message = spool_find(q->spool, job->id);
    job_unlock(q, job);
    return there && !message->hold;
}

void attempt_run(struct queue *q, struct job *job, struct arena *a) {
    struct attempt at;
    if (!begin(&at, q, job, a)) {
        q->active[job->load]--;
        job_place(q, job, 0);
        return;
    }
    take_turns(&at);
    if (route_due(&at) == 0 && await_turns(&at) == 0) {
        decide_remote(&at);
        conclude_here(&at);
        join_expansions(&at);
        steps_run(&at);
    }
    settle(&at, at.local_only ? SETTLE_OUTCOMES : SETTLE_END);
    leave(&at);
}
