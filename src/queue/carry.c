/* SPDX-License-Identifier: ISC */
/*
 * Steps of an attempt: putting the message into a mailbox of this host, or handing it over for
 * recipients who share a destination.
 *
 * Recipients who share a mailbox share its copy, with the Delivered-To of the first of them, and
 * what becomes of it. That is for the order and for the work that it saves; that there is one copy
 * is the mailbox's doing, which knows the message by its root: so it is also one when recipients
 * are carried at different times, or by the message to the targets of an alias.
 *
 * A mailbox that is full is tried again for a day (options.schedule.full_lifetime) before the
 * message goes back: most owners notice and make room, and a sender should not wait five days to
 * hear of the others.
 */
#include <errno.h>

#include "base/alloc.h"
#include "message/trace.h"
#include "queue/attempt.h"

#define PROBLEM_MAX  200
#define DIALOGUE_MAX 16000U
#define REST_MAX     USEC_HOUR /* relays ask for half of that at most */

/* ------------------------------------------------------------------ mailboxes of this host */

/* The account was meant by its own name, maybe with a detail, and not by an alias. */
static bool is_own_name(struct slice recipient, const struct route_mailbox *mailbox) {
    struct slice domain = route_domain(recipient);
    size_t behind = domain.len + 1 + (mailbox->detail.len ? mailbox->detail.len + 1 : 0);
    struct slice own = mailbox->address, own_domain = route_domain(own);
    if (recipient.len <= behind || own.len <= own_domain.len)
        return false;
    return slice_eq_nocase(slice_first(recipient, recipient.len - behind),
                           slice_first(own, own.len - own_domain.len - 1)) &&
           slice_eq_nocase(domain, own_domain);
}

static int call_deliver(struct attempt *at, const struct step *step, struct wanted *ret,
                        struct problem *problem) WAITS {
    const struct queue_ops *ops = &at->q->ops;
    const struct task *t = &at->tasks[step->members[0]];
    _cleanup_(buf_done) struct buf head = {0};
    _cleanup_(fiber_deadline_end) struct fiber_deadline d UNUSED =
        fiber_deadline_begin(fiber_now() + at->q->options.call_timeout);
    trace_return_path(&head, at->envelope.reverse_path);
    if (!is_own_name(t->to->address, t->to_mailbox))
        trace_delivered_to(&head, t->to_mailbox->address);
    trace_delivered_to(&head, t->to->address);
    struct queue_delivery delivery = {
        .message = {.id = at->id, .envelope = &at->envelope, .body = &at->body},
        .root = attempt_root(at),
        .recipient = t->to->address,
        .mailbox = *t->to_mailbox,
        .head = buf_slice(&head),
    };
    for (size_t i = 0; i < step->count; i++)
        fiber_turn_pass(&at->tasks[step->members[i]].turn);
    int error = ops->deliver(ops->arg, &delivery, &ret->memory, &ret->delivered, problem);
    for (size_t i = 0; !error && i < ret->delivered.count; i++)
        if (i == QUEUE_WANTED_MAX || ret->delivered.wanted[i].envelope.count == 0)
            error = -E_TEMPORARY;
    return error;
}

static struct smtp_reply delivery_reply(struct attempt *at, int error,
                                        const struct problem *problem) {
    struct slice words = arena_copy(at->a, slice_first(slice_of_str(problem->text), PROBLEM_MAX));
    struct smtp_reply reply = {.code = 451, .status = {4, 3, 0}, .text = words};
    if (error == -E_LIMIT)
        reply = (struct smtp_reply){452, {4, 2, 2}, words.len ? words : S("The mailbox is full")};
    else if (error == -E_UNKNOWN)
        reply = (struct smtp_reply){550, {5, 1, 1}, words.len ? words : S("No such mailbox")};
    else if (error == -E_PERMANENT)
        reply = (struct smtp_reply){554, {5, 3, 0}, words.len ? words : S("Not taken")};
    else if (words.len == 0)
        reply.text = arena_printf(at->a, "Not delivered: %s", error_text(error));
    return reply;
}

static void conclude_delivery(struct attempt *at, struct task *t, int error,
                              const struct problem *problem) {
    if (error == 0) {
        task_conclude(at, t, OUTCOME_DELIVERED,
                      (struct smtp_reply){250, {2, 0, 0}, S("Delivered")});
        return;
    }
    if (error_passes(error) || fiber_cancelled()) {
        task_conclude_error(at, t, error);
        return;
    }
    uint64_t quota = t->to_mailbox->quota;
    if (error == -E_LIMIT && quota > 0 && at->size >= quota) {
        task_conclude(at, t, OUTCOME_FAILED,
                      SMTP_REPLY(552, 5, 2, 3, "The message is larger than the mailbox may hold"));
        return;
    }
    bool never = error == -E_UNKNOWN || error == -E_PERMANENT;
    t->full = error == -E_LIMIT;
    task_conclude(at, t, never ? OUTCOME_FAILED : OUTCOME_LATER,
                  delivery_reply(at, error, problem));
}

static void deliver(struct attempt *at, const struct step *step) WAITS {
    struct problem problem = {0};
    struct wanted *wanted = NEW(struct wanted);
    int error = call_deliver(at, step, wanted, &problem);
    struct slice in = error ? S("") : arena_copy(at->a, wanted->delivered.mailbox);
    at->tasks[step->members[0]].wanted = wanted;
    at->wanted_bytes += wanted->memory.total;
    if (error || wanted->delivered.count == 0)
        task_forget_wanted(at, &at->tasks[step->members[0]]);
    for (size_t i = 0; i < step->count; i++) {
        struct task *t = &at->tasks[step->members[i]];
        t->shared = i > 0;
        t->in = in;
        conclude_delivery(at, t, error, &problem);
    }
}

/* ------------------------------------------------------------------ other hosts */

static void conclude_remote(struct attempt *at, struct task *t, const struct relay_result *result,
                            usec_t not_before) {
    enum outcome outcome = result->disposition == RELAY_NEVER   ? OUTCOME_FAILED
                           : result->disposition == RELAY_LATER ? OUTCOME_LATER
                           : result->dsn_passed                 ? OUTCOME_PASSED
                                                                : OUTCOME_RELAYED;
    struct smtp_reply reply = result->reply;
    t->peer = result->from_peer || outcome > OUTCOME_LATER ? result->peer : S("");
    t->not_before = not_before;
    t->unsure = result->unsure;
    if (t->unsure)
        reply.text =
            arena_printf(at->a, "%.*s; the whole message was sent, so it may have arrived already",
                         SLICE_ARG(reply.text));
    task_conclude(at, t, outcome, reply);
}

/* Without a dialogue the message was offered to nobody. */
static void say_dialogue(struct attempt *at, const struct step *step,
                         const struct relay_outcome *outcome) {
    size_t taken = 0;
    if (outcome->dialogue.len == 0)
        return;
    for (size_t i = 0; i < outcome->count; i++)
        taken += outcome->results[i].disposition == RELAY_DELIVERED;
    struct event_fact facts[] = {
        FACT(FACT_DOMAIN, step->destination),
        FACT(FACT_DIALOGUE, slice_first(outcome->dialogue, DIALOGUE_MAX)),
    };
    log_event(at->q, at->id, KIND_TRANSMISSION, facts, ARRAY_SIZE(facts),
              "Transmission to %.*s: taken for %zu of %zu recipients", SLICE_ARG(step->destination),
              taken, step->count);
}

static int call_transmit(struct attempt *at, const struct step *step,
                         struct relay_outcome *ret) WAITS {
    const struct queue_ops *ops = &at->q->ops;
    struct recipient *recipients = arena_array(at->a, step->count, sizeof *recipients);
    struct slice sender = at->envelope.reverse_path;
    int error = attempt_sign(at);
    if (error == 0 && ops->send_on && sender.len > 0 &&
        (at->envelope.origin == QUEUE_MADE_EXPANSION || at->extra.root > 0))
        error = ops->send_on(ops->arg, sender, at->a, &sender);
    if (error)
        return error;
    for (size_t i = 0; i < step->count; i++)
        recipients[i] = *at->tasks[step->members[i]].to;
    struct envelope envelope = {
        .reverse_path = sender,
        .recipients = recipients,
        .count = step->count,
        .body_type = at->envelope.body_type,
        .ret = at->envelope.ret,
        .envid = at->envelope.envid,
        .shape = at->envelope.shape,
    };
    struct queue_transmission transmission = {
        .message = {.id = at->id, .envelope = &envelope, .body = &at->body},
        .head = at->signatures,
        .domain = step->destination,
        .now = at->flags & STATE_NOW,
    };
    _cleanup_(fiber_deadline_end) struct fiber_deadline d UNUSED =
        fiber_deadline_begin(fiber_now() + at->q->options.transmit_timeout);
    at->q->counts.transmissions++;
    error = ops->transmit(ops->arg, &transmission, at->a, ret);
    at->q->counts.transmissions--;
    return !error && ret->count != step->count ? -E_CORRUPT : error;
}

static void transmit_to(struct attempt *at, const struct step *step, struct destination *d) WAITS {
    struct relay_outcome outcome = {0};
    int error = call_transmit(at, step, &outcome);
    if (error == -E_CORRUPT)
        error = -E_TEMPORARY;
    for (size_t i = 0; error && i < step->count; i++)
        task_conclude_error(at, &at->tasks[step->members[i]], error);
    if (error)
        return;
    usec_t rest = MIN(outcome.rest, REST_MAX);
    usec_t not_before = rest > 0 ? fiber_wall() + rest : 0;
    if (rest > 0)
        destination_rest(at->q, d, rest, outcome.rest_why);
    for (size_t i = 0; i < step->count; i++)
        conclude_remote(at, &at->tasks[step->members[i]], &outcome.results[i], not_before);
    say_dialogue(at, step, &outcome);
}

static void transmit(struct attempt *at, const struct step *step) WAITS {
    struct queue *q = at->q;
    struct destination *d = destination_get(q, step->destination);
    usec_t rests = d->rests_until - fiber_now();
    if (rests > 0 && !(at->flags & STATE_NOW)) {
        char span[TIME_TEXT_SIZE];
        struct relay_result result = {.disposition = RELAY_LATER,
                                      .reply = {.code = 451, .status = {4, 4, 1}}};
        result.reply.text = arena_printf(
            at->a, "No host of %.*s could be reached a short while ago; it rests for %.*s%s%s",
            SLICE_ARG(step->destination), SLICE_ARG(time_format_span(rests, span)),
            d->why[0] ? ": " : "", d->why);
        usec_t not_before = fiber_wall() + rests;
        for (size_t i = 0; i < step->count; i++)
            conclude_remote(at, &at->tasks[step->members[i]], &result, not_before);
    } else if (!destination_enter(q, d, at->job)) {
        at->crowded = step->destination;
    } else {
        transmit_to(at, step, d);
        destination_leave(q, d);
    }
}

/* ------------------------------------------------------------------ steps */

void carry_out(struct attempt *at, struct step *step) {
    if (step->destination.len > 0)
        transmit(at, step);
    else
        deliver(at, step);
}

/* Places of the open tasks of one way. */
static size_t *collect(struct attempt *at, enum way way, size_t *ret_count) {
    size_t *places = arena_array(at->a, at->count, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < at->count; i++) {
        const struct task *t = &at->tasks[i];
        if (t->due && t->way == way && t->outcome == OUTCOME_NONE)
            places[count++] = i;
    }
    *ret_count = count;
    return places;
}

struct mailboxes {
    struct map steps; /* by account */
};

static void mailboxes_done(struct mailboxes *m) {
    map_done(&m->steps);
}

/* One step for each mailbox; its members follow each other in the order of the envelope. */
static void plan_local(struct attempt *at, const size_t *places, size_t count) {
    _cleanup_(mailboxes_done) struct mailboxes m = {0};
    size_t *members = arena_array(at->a, count, sizeof *members);
    struct step **step_of = arena_array(at->a, count, sizeof(struct step *));
    for (size_t i = 0; i < count; i++) {
        struct slice account = map_u64(&at->tasks[places[i]].to_mailbox->account_id);
        step_of[i] = map_get(&m.steps, account);
        if (!step_of[i]) {
            step_of[i] = &at->steps[at->step_count++];
            (void)map_put(&m.steps, account, step_of[i]);
        }
        step_of[i]->count++;
    }
    for (size_t i = 0; i < at->step_count; i++) {
        at->steps[i].members = members;
        members += at->steps[i].count;
        at->steps[i].count = 0;
    }
    for (size_t i = 0; i < count; i++)
        step_of[i]->members[step_of[i]->count++] = places[i];
}

/*
 * One step for the recipients of a destination. A name of the settings stays as it is: the name of
 * a login in it has capitals, and its own "@".
 */
static void plan_remote(struct attempt *at, const size_t *places, size_t count) {
    const struct queue_ops *ops = &at->q->ops;
    struct route_group *groups;
    size_t group_count;
    struct slice *destinations = arena_array(at->a, at->count, sizeof *destinations);
    for (size_t i = 0; i < count; i++) {
        struct slice address = at->tasks[places[i]].to->address, name = S("");
        if (ops->destination)
            name = ops->destination(ops->arg, route_domain(address), at->a);
        destinations[places[i]] = name.len > 0 ? name : route_destination(at->a, address);
    }
    route_group(at->a, destinations, places, count, at->q->options.recipients_per_transaction,
                &groups, &group_count);
    for (size_t i = 0; i < group_count; i++)
        at->steps[at->step_count++] = (struct step){.members = groups[i].members,
                                                    .count = groups[i].count,
                                                    .destination = groups[i].destination};
}

void carry_plan(struct attempt *at) {
    size_t local, remote = 0;
    size_t *mailboxes = collect(at, WAY_MAILBOX, &local), *others = NULL;
    if (!at->local_only)
        others = collect(at, WAY_REMOTE, &remote);
    at->steps = arena_array(at->a, local + remote, sizeof *at->steps);
    if (local > 0)
        plan_local(at, mailboxes, local);
    if (remote > 0)
        plan_remote(at, others, remote);
}
