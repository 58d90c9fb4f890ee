/* SPDX-License-Identifier: ISC */
/*
 * Messages that are made of a message, in the commit that settles what they come of: reports, the
 * message that goes on to the targets of aliases, and what a delivery wants sent (a redirect, an
 * answer to the sender). Each begins its way when that commit is on the disk.
 */
#include <errno.h>

#include "message/scan.h"
#include "message/trace.h"
#include "queue/attempt.h"

#define LARGE_REPORT (256U << 10) /* a larger one goes into a file */

void made_done(struct queue *q, struct made *m) {
    if (m->content.large)
        spool_large_drop(q->spool, m->content.large);
    if (m->job)
        job_free(q, m->job);
    buf_done(&m->extra);
    buf_done(&m->head);
    buf_done(&m->bytes);
}

void made_saved(struct attempt *at, struct made *m) {
    struct queue *q = at->q;
    struct job *job = TAKE_PTR(m->job);
    char id[QUEUE_ID_SIZE];
    if (!job)
        return;
    const struct spool_message *message = spool_find(q->spool, job->id);
    m->content.large = NULL;
    bool is_report = m->envelope.origin == QUEUE_MADE_REPORT;
    const char *kind = is_report                                    ? KIND_REPORT
                       : m->envelope.origin == QUEUE_MADE_EXPANSION ? KIND_EXPANDED
                                                                    : KIND_SENDS;
    struct event_fact facts[] = {
        {is_report ? S(FACT_REPORT) : S(FACT_CHILD), queue_id_format(job->id, id)},
        FACT(FACT_ACCOUNT, m->account),
    };
    log_event(q, at->id, kind, facts, m->account.len > 0 ? 2 : 1, "%s%.*s: message %s", m->what,
              SLICE_ARG(m->account), id);
    log_accepted(q, job->id, &m->envelope, message ? message->size : 0, at->id);
    job_unlock(q, job);
    job_place(q, job, 0);
}

/* ------------------------------------------------------------------ reports */

static uint32_t shape_of(struct slice bytes, bool utf8) {
    struct message_scan scan = {0};
    message_scan_feed(&scan, bytes);
    return (scan.has_eight_bit ? SHAPE_EIGHT_BIT : 0U) |
           (scan.has_dot_line ? SHAPE_DOT_LINES : 0U) | (utf8 ? SHAPE_UTF8 : 0U);
}

/* It tells of the message what the message itself would, so it goes as that did (RFC 8689 §5). */
int make_report(struct attempt *at, const struct report_item *items, size_t count, struct made *m) {
    if (count == 0 || m->content.large || m->content.bytes.len > 0)
        return 0;
    made_done(at->q, m);
    *m = (struct made){.what = items[0].to_postmaster ? "A report is on its way to the postmaster"
                                                      : "A report is on its way to the sender"};
    m->job = job_new(at->q, queue_new_id(at->q));
    bool to_postmaster = items[0].to_postmaster;
    struct slice recipient = to_postmaster ? report_postmaster(at) : at->envelope.reverse_path;
    report_compose(at, m->job->id, items, count, recipient, &m->bytes);
    if (fiber_cancelled() && !at->body_open)
        return -ECANCELED; /* it could not be read because time was up */
    uint32_t shape = shape_of(buf_slice(&m->bytes), address_of(at->a, recipient).utf8) |
                     (at->envelope.shape & (SHAPE_REQUIRE_TLS | SHAPE_TLS_WAIVED));
    extra_encode(&(struct queue_extra){.parent = at->id}, &m->extra);
    m->to_sender = (struct recipient){.address = recipient, .notify = NOTIFY_NEVER};
    m->envelope = (struct envelope){
        .arrival = fiber_wall(),
        .body_type = shape & SHAPE_EIGHT_BIT ? BODY_TYPE_8BITMIME : BODY_TYPE_7BIT,
        .shape = shape,
        .origin = QUEUE_MADE_REPORT,
        .extra = buf_slice(&m->extra),
        .recipients = &m->to_sender,
        .count = 1,
    };
    if (m->bytes.len > LARGE_REPORT)
        return content_large(at->q, m->job->id, buf_slice(&m->bytes), NULL, &m->content.large);
    m->content.bytes = buf_slice(&m->bytes);
    return 0;
}

/* ------------------------------------------------------------------ aliases */

/* Who has the message, or gets it as a recipient himself, does not get it through an alias too. */
static void collect_served(struct attempt *at, struct route_targets *targets) {
    for (size_t i = 0; i < at->count; i++)
        if (at->tasks[i].outcome == OUTCOME_DELIVERED)
            route_serve_mailbox(targets, at->tasks[i].to_mailbox->address);
    for (size_t i = 0; i < at->envelope.count; i++)
        route_serve_forward(at->a, targets, at->envelope.recipients[i].address);
}

/* The aliases that are being settled; the last one of them in `ret_alias`. */
static size_t collect_targets(struct attempt *at, struct route_targets *targets,
                              const struct task **ret_alias) {
    size_t aliases = 0;
    bool first = true;
    for (size_t i = 0; i < at->count; i++) {
        const struct task *t = &at->tasks[i];
        if (!t->saving || t->outcome != OUTCOME_EXPANDED)
            continue;
        if (first)
            collect_served(at, targets);
        first = false;
        if (t->shared) {
            route_join(at->a, t->to, t->to_mailbox, targets);
            continue;
        }
        route_expand(at->a, t->to, &t->route, targets);
        *ret_alias = t;
        aliases++;
    }
    return aliases;
}

/* The same bytes, behind the head. */
static int copy_content(struct attempt *at, struct made *m) WAITS {
    int error = attempt_open_body(at);
    if (error)
        return error;
    m->content = (struct spool_content){.head = buf_slice(&m->head), .bytes = at->body.bytes};
    if (at->body.file_len == 0)
        return 0;
    buf_add(&m->head, at->body.bytes);
    m->content = (struct spool_content){.head = buf_slice(&m->head)};
    return content_large(at->q, m->job->id, S(""), &at->body, &m->content.large);
}

static bool any_utf8(const struct envelope *e) {
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < e->recipients[i].address.len; k++)
            if ((uint8_t)e->recipients[i].address.ptr[k] > 127)
                return true;
    return false;
}

/*
 * The same bytes for other recipients. Delivered-To names the alias, so that a forward that leads
 * back is recognised; of several nobody should learn which others were meant.
 */
int make_expansion(struct attempt *at, struct made *m) {
    _cleanup_(route_targets_done) struct route_targets targets = {0};
    const struct task *alias = NULL;
    size_t mailboxes, aliases = collect_targets(at, &targets, &alias);
    *m = (struct made){.what = "Goes on to the targets of an alias", .envelope = at->envelope};
    m->envelope.recipients = route_targets_list(at->a, &targets, &mailboxes, &m->envelope.count);
    if (m->envelope.count == 0)
        return 0;
    m->job = job_new(at->q, queue_new_id(at->q));
    m->envelope.origin = QUEUE_MADE_EXPANSION;
    m->envelope.shape |= any_utf8(&m->envelope) ? SHAPE_UTF8 : 0U;
    extra_encode(&(struct queue_extra){.depth = (uint8_t)(at->extra.depth + 1),
                                       .parent = at->id,
                                       .mailboxes = (uint32_t)mailboxes,
                                       .root = attempt_root(at),
                                       .stranger = attempt_of_stranger(at)},
                 &m->extra);
    m->envelope.extra = buf_slice(&m->extra);
    if (aliases == 1)
        trace_delivered_to(&m->head, alias->to->address);
    return copy_content(at, m);
}

/* ------------------------------------------------------------------ what a delivery wants sent */

int make_wanted(struct attempt *at, const struct task *t, const struct queue_wanted *w,
                struct made *m) {
    *m = (struct made){.what = "Sends a message by the rules of the mailbox of ",
                       .account = t->to_mailbox->address,
                       .envelope = w->envelope};
    if (at->extra.depth >= ROUTE_EXPANSIONS_MAX) {
        log_event(
            at->q, at->id, KIND_WARNING, NULL, 0,
            "The mailbox of %.*s sends nothing more: the message has been sent on %u times here",
            SLICE_ARG(m->account), ROUTE_EXPANSIONS_MAX);
        return 0;
    }
    m->job = job_new(at->q, queue_new_id(at->q));
    extra_encode(&(struct queue_extra){.depth = (uint8_t)(at->extra.depth + 1),
                                       .parent = at->id,
                                       .root = w->same ? attempt_root(at) : 0,
                                       .stranger = attempt_of_stranger(at)},
                 &m->extra);
    m->envelope.arrival = fiber_wall();
    m->envelope.origin = QUEUE_MADE_BY_MAILBOX;
    m->envelope.verdict = w->same ? at->envelope.verdict : VERDICT_NONE;
    m->envelope.login = m->envelope.helo = m->envelope.peer = S("");
    m->envelope.extra = buf_slice(&m->extra);
    m->envelope.shape = shape_of(w->bytes, any_utf8(&m->envelope)) |
                        (w->same ? at->envelope.shape & ~(uint32_t)SHAPE_TRAVELLED : 0U);
    if (w->same) {
        buf_add(&m->head, w->bytes);
        return copy_content(at, m);
    }
    if (w->bytes.len > LARGE_REPORT)
        return content_large(at->q, m->job->id, w->bytes, NULL, &m->content.large);
    m->content.bytes = w->bytes;
    return 0;
}
