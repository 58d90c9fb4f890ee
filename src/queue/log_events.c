/* SPDX-License-Identifier: ISC */
/*
 * What the journey of a message is told. The words are for the person who looks for a message.
 */
#include <stdio.h>

#include "queue/attempt.h"

#define SENTENCE_MAX   2000
#define RECIPIENTS_MAX 8192 /* bytes of the list in a field */

void log_event(struct queue *q, queue_id id, const char *kind, const struct event_fact *facts,
               size_t count, const char *format, ...) {
    _cleanup_(buf_done) struct buf sentence = {0};
    va_list args;
    if (!q->ops.event)
        return;
    va_start(args, format);
    buf_printf_v(&sentence, format, args);
    va_end(args);
    q->ops.event(q->ops.arg, id, kind, slice_first(buf_slice(&sentence), SENTENCE_MAX), facts,
                 count);
}

static const char *origin_text(uint8_t origin) {
    switch (origin) {
    case QUEUE_FROM_OUTSIDE:
        return "outside";
    case QUEUE_FROM_USER:
        return "user";
    case QUEUE_FROM_HOST:
        return "host";
    case QUEUE_MADE_REPORT:
        return "report";
    case QUEUE_MADE_EXPANSION:
        return "expansion";
    case QUEUE_MADE_BY_MAILBOX:
        return "mailbox";
    default:
        return "unknown";
    }
}

static void add_address(struct buf *to, struct slice address) {
    if (to->len >= RECIPIENTS_MAX)
        return;
    if (to->len > 0)
        buf_add_byte(to, '\n');
    buf_add(to, address);
}

void log_accepted(struct queue *q, queue_id id, const struct envelope *e, uint64_t size,
                  queue_id parent) {
    _cleanup_(buf_done) struct buf to = {0};
    _cleanup_(buf_done) struct buf recipients = {0};
    char number[24], parent_id[QUEUE_ID_SIZE];
    if (!q->ops.event)
        return;
    if (e->count == 1)
        buf_add(&to, e->recipients[0].address);
    else
        buf_printf(&to, "%zu recipients", e->count);
    for (size_t i = 0; i < e->count; i++)
        add_address(&recipients, e->recipients[i].address);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)size);
    struct event_fact facts[] = {
        FACT(FACT_FROM, e->reverse_path),
        FACT(FACT_TO, buf_slice(&recipients)),
        FACT(FACT_SIZE, slice_of_str(number)),
        FACT(FACT_ORIGIN, slice_of_str(origin_text(e->origin))),
        FACT(FACT_ORIGINAL, parent ? queue_id_format(parent, parent_id) : S("")),
    };
    log_event(q, id, KIND_QUEUED, facts, ARRAY_SIZE(facts) - (parent == 0),
              "%s from <%.*s> for %.*s, %s bytes: safe on the disk",
              e->origin == QUEUE_MADE_REPORT       ? "Report"
              : e->origin == QUEUE_MADE_EXPANSION  ? "Message to the targets of an alias"
              : e->origin == QUEUE_MADE_BY_MAILBOX ? "Message of a mailbox's rules"
                                                   : "Message",
              SLICE_ARG(e->reverse_path), SLICE_ARG(buf_slice(&to)), number);
}

static void log_later(struct attempt *at, const struct task *t) {
    char when[TIME_TEXT_SIZE], span[TIME_TEXT_SIZE], attempts[24], next[24];
    (void)snprintf(attempts, sizeof attempts, "%u", t->state.attempts);
    (void)snprintf(next, sizeof next, "%lld", (long long)t->state.next);
    struct event_fact facts[] = {
        FACT(FACT_TO, t->to->address),       FACT(FACT_STATUS, t->status),
        FACT(FACT_REPLY, t->reply),          FACT(FACT_ATTEMPTS, slice_of_str(attempts)),
        FACT(FACT_NEXT, slice_of_str(next)), FACT(FACT_HOST, t->peer),
    };
    log_event(at->q, at->id, KIND_DEFERRED, facts, ARRAY_SIZE(facts) - (t->peer.len == 0),
              "%.*s: not yet (%.*s); attempt %u, next one in %.*s at %.*s",
              SLICE_ARG(t->to->address), SLICE_ARG(t->reply), t->state.attempts,
              SLICE_ARG(time_format_span(MAX(t->state.next - fiber_wall(), 0), span)),
              SLICE_ARG(time_format_log(t->state.next, when)));
}

static void log_expanded(struct attempt *at, const struct task *t) {
    _cleanup_(buf_done) struct buf targets = {0};
    const struct route *route = &t->route;
    size_t width = route_width(route);
    for (size_t i = 0; !t->again && i < route->mailbox_count; i++)
        add_address(&targets, route->mailboxes[i].address);
    for (size_t i = 0; !t->again && i < route->forward_count; i++)
        add_address(&targets, route->forwards[i]);
    struct event_fact facts[] = {
        FACT(FACT_TO, t->to->address),
        FACT(FACT_TARGETS, buf_slice(&targets)),
    };
    if (t->shared)
        log_event(at->q, at->id, KIND_EXPANDED, facts, ARRAY_SIZE(facts),
                  "%.*s: goes on with the message to the group, so that the mailbox gets one copy",
                  SLICE_ARG(t->to->address));
    else if (width == 1)
        log_event(at->q, at->id, KIND_EXPANDED, facts, ARRAY_SIZE(facts), "%.*s: goes on to %.*s",
                  SLICE_ARG(t->to->address), SLICE_ARG(buf_slice(&targets)));
    else
        log_event(at->q, at->id, KIND_EXPANDED, facts, ARRAY_SIZE(facts),
                  "%.*s: goes on to %s%zu addresses%s", SLICE_ARG(t->to->address),
                  t->again ? "the same " : "", width, t->again ? " as a recipient before it" : "");
}

static void log_delivered(struct attempt *at, const struct task *t) {
    struct slice account = t->to_mailbox->address;
    struct event_fact facts[] = {
        FACT(FACT_TO, t->to->address),
        FACT(FACT_ACCOUNT, account),
        FACT(FACT_MAILBOX, t->in),
    };
    log_event(at->q, at->id, KIND_DELIVERED, facts, ARRAY_SIZE(facts) - (t->in.len == 0),
              "%.*s: in the mailbox %.*s%sof %.*s%s", SLICE_ARG(t->to->address), SLICE_ARG(t->in),
              t->in.len > 0 ? " " : "", SLICE_ARG(account),
              t->shared ? ", where one copy is for all addresses that lead there" : "");
}

void log_outcome(struct attempt *at, const struct task *t) {
    struct slice to = t->to->address;
    struct event_fact facts[] = {
        FACT(FACT_TO, to),
        FACT(FACT_STATUS, t->status),
        FACT(FACT_REPLY, t->reply),
        FACT(FACT_HOST, t->peer),
    };
    size_t count = ARRAY_SIZE(facts) - (t->peer.len == 0);
    switch (t->outcome) {
    case OUTCOME_DELIVERED:
        log_delivered(at, t);
        return;
    case OUTCOME_RELAYED:
    case OUTCOME_PASSED:
        log_event(at->q, at->id, KIND_TRANSMITTED, facts, count, "%.*s: taken over by %.*s (%.*s)",
                  SLICE_ARG(to), SLICE_ARG(t->peer), SLICE_ARG(t->reply));
        return;
    case OUTCOME_EXPANDED:
        log_expanded(at, t);
        return;
    case OUTCOME_FAILED:
        log_event(at->q, at->id, KIND_BOUNCED, facts, count, "%.*s: given up (%.*s)", SLICE_ARG(to),
                  SLICE_ARG(t->reply));
        return;
    case OUTCOME_LATER:
        log_later(at, t);
        return;
    case OUTCOME_NONE:
    case OUTCOME_AGAIN:
        return;
    }
}

static struct slice author(struct slice by) {
    return by.len > 0 ? by : S("the postmaster");
}

void log_order(struct queue *q, queue_id id, const char *kind, const char *what, struct slice by) {
    struct event_fact fact = FACT(FACT_BY, by);
    log_event(q, id, kind, &fact, by.len > 0, "%s %.*s", what, SLICE_ARG(author(by)));
}

void log_removed(struct attempt *at, const struct queue_order *order) {
    _cleanup_(buf_done) struct buf recipients = {0};
    if (!at->q->ops.event)
        return;
    for (size_t i = 0; i < at->count; i++)
        add_address(&recipients, at->tasks[i].to->address);
    struct event_fact facts[] = {
        FACT(FACT_TO, buf_slice(&recipients)),
        FACT(FACT_BY, order->by),
    };
    log_event(at->q, at->id, KIND_REMOVED, facts, order->by.len > 0 ? 2 : 1, "Removed by %.*s, %s",
              SLICE_ARG(author(order->by)),
              order->bounce ? "with a report to the sender" : "without a report");
}
