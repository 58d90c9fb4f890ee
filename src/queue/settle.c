/* SPDX-License-Identifier: ISC */
/*
 * Making outcomes durable. One commit holds all that belongs together (D5): that recipients are
 * settled, or when they are tried next; the messages that are made of it (make.c): the report that
 * tells the sender, the one that goes on to the targets of aliases, what mailboxes want sent. If
 * the disk refuses it, it is tried again until it works: what another host has taken must not be
 * sent once more.
 *
 * A commit takes milliseconds, in which further outcomes come in; `saving` marks those that are
 * part of it.
 */
#include <errno.h>

#include "base/alloc.h"
#include "queue/attempt.h"

#define PAUSE_FIRST   USEC_SEC /* before another try to write */
#define PAUSE_LONGEST (60 * USEC_SEC)
#define MOMENT        USEC_SEC
#define SENT_TOGETHER (1U << 20) /* bytes that deliveries want sent, for one commit, about */

/* What one commit is about. */
struct save {
    struct attempt *at;
    struct spool_recipient_state *left;
    struct spool_state state;
    struct report_item *items;
    size_t item_count, outcomes;
    unsigned told; /* notices of delay that have gone out with this */
    bool notices;
    bool to_postmaster; /* the report; that to the sender has to wait for another commit */
    bool more;          /* something has to wait for it */
    bool brief;         /* the state is too long with the words of other hosts in it */
    bool removed;       /* by a postmaster: nothing of it is kept for him */
    bool success;       /* the report may tell a stranger of success */
    struct made report;
    struct made
        *made; /* the message to the targets of aliases, and those that deliveries want sent */
    size_t made_count, sent_count, sent_bytes;
    struct spool_change *changes;
    size_t change_count;
};

static void give_up_made(struct save *s) WAITS {
    for (size_t i = 0; i < s->made_count; i++)
        made_done(s->at->q, &s->made[i]);
    s->made_count = 0;
}

static void save_done(struct save *s) WAITS {
    made_done(s->at->q, &s->report);
    give_up_made(s);
}

/* ------------------------------------------------------------------ what to save */

static bool is_fresh(const struct task *t) {
    return t->outcome > OUTCOME_AGAIN && !t->settled && !t->saving && !t->saved;
}

struct settle_need settle_need(const struct attempt *at) {
    struct settle_need need = {0};
    bool here = false, delivering = false;
    for (size_t i = 0; !at->gone && i < at->count; i++) {
        const struct task *t = &at->tasks[i];
        enum dsn_action action;
        delivering |= task_is_open(t, WAY_MAILBOX);
        if (!is_fresh(t))
            continue;
        bool reported = report_of_outcome(at, t, &action);
        need.report |= reported;
        need.soon |= !reported;
        need.now |= !reported && (t->outcome == OUTCOME_RELAYED || t->outcome == OUTCOME_PASSED);
        here |= !reported && (t->outcome == OUTCOME_DELIVERED || t->outcome == OUTCOME_EXPANDED);
    }
    need.now |= (here && !delivering) || at->wanted_bytes > SENT_TOGETHER;
    return need;
}

/* Whether it is among the first `most` of this hour. */
static bool take_one(struct hourly *h, unsigned most) {
    usec_t now = fiber_now();
    if (h->began == 0 || now - h->began >= USEC_HOUR)
        *h = (struct hourly){.began = now};
    if (h->count <= most)
        h->count++;
    return h->count <= most;
}

/*
 * Whether the sender is told of a success that he has asked to be told of. A stranger can ask for
 * it in anybody's name, with a header of his choice; so there are bounds to such reports.
 */
static bool may_tell_success(struct save *s, const struct task *t) {
    struct attempt *at = s->at;
    struct hourly *h = &at->q->of_success;
    if (t->outcome == OUTCOME_FAILED || s->success || !attempt_of_stranger(at))
        return true;
    unsigned before = h->count;
    s->success = take_one(h, at->q->options.success_max);
    if (!s->success && h->count != before)
        log_event(
            at->q, at->id, KIND_WARNING, NULL, 0,
            "Senders of messages from outside have asked for more than %u reports of delivery "
            "within an hour; for the rest of it no more are sent, since the senders may be forged",
            at->q->options.success_max);
    return s->success;
}

/*
 * Whether an outcome is really reported. What our postmaster should know is kept for him when he is
 * not told: a report to him that nobody gets; of a stranger's loop, when he is told of very many,
 * and what is larger than a report brings along. Where no more can be kept, only what has the null
 * sender ends here, of which nobody needs to be told (RFC 5321 §4.5.5); others were refused before
 * they were taken (held_check()).
 */
static bool may_tell(struct save *s, struct task *t, bool reported) {
    struct attempt *at = s->at;
    if (!s->removed && t->outcome == OUTCOME_FAILED && at->envelope.origin == QUEUE_MADE_REPORT &&
        slice_eq(t->to->address, report_postmaster(at)))
        task_hold(at, t);
    if (!report_is_for_postmaster(at, t))
        return reported && may_tell_success(s, t);
    bool told = take_one(&at->q->to_postmaster, at->q->options.postmaster_max);
    bool whole = told && at->size <= REPORT_LOOP_MAX;
    if (!whole && !(at->envelope.reverse_path.len == 0 && held_loops_full(at->q)))
        task_hold(at, t);
    return told;
}

/* Marks the outcomes, and lists what the sender is told of them. */
static void choose_outcomes(struct save *s, enum settle_part part) {
    struct attempt *at = s->at;
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        enum dsn_action action;
        if (!is_fresh(t))
            continue;
        size_t wanted = t->wanted ? t->wanted->memory.total : 0;
        bool to_postmaster = report_is_for_postmaster(at, t);
        bool reported = report_of_outcome(at, t, &action);
        if (reported && part == SETTLE_PROGRESS)
            continue;
        if ((reported && s->item_count > 0 && to_postmaster != s->to_postmaster) ||
            (wanted > 0 && s->sent_bytes > SENT_TOGETHER)) {
            s->more = true;
            continue;
        }
        if (may_tell(s, t, reported)) {
            s->to_postmaster = to_postmaster;
            s->items[s->item_count++] = (struct report_item){t, action, to_postmaster};
        }
        t->saving = true;
        s->outcomes++;
        s->sent_count += t->wanted ? t->wanted->delivered.count : 0;
        s->sent_bytes += wanted;
    }
}

static bool is_left(const struct task *t) {
    return !t->settled && !(t->saving && t->outcome > OUTCOME_LATER);
}

/* When the notice behind the first `told` ones is due: not while the clock may be wrong. */
static usec_t notice_time(const struct attempt *at, unsigned told) {
    const struct queue *q = at->q;
    usec_t notice = schedule_next_notice(&q->options.schedule, at->envelope.arrival, told);
    usec_t wall = fiber_wall(), doubt = schedule_doubt(&q->wall, notice, fiber_now(), wall);
    return doubt > 0 && notice != USEC_NEVER ? wall + doubt : notice;
}

/* Recipients that are late get a notice, each one once for each age that was set. */
static void choose_notices(struct save *s) {
    struct attempt *at = s->at;
    s->told = schedule_notices_due(&at->q->options.schedule, at->envelope.arrival, fiber_wall());
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (!is_left(t) || t->state.flags >= s->told ||
            notice_time(at, t->state.flags) > fiber_wall())
            continue;
        s->notices = true;
        if (report_wanted(at, t, DSN_DELAYED))
            s->items[s->item_count++] = (struct report_item){t, DSN_DELAYED, false};
    }
}

usec_t settle_next(const struct attempt *at, usec_t pause) {
    usec_t next = USEC_NEVER, now = fiber_wall();
    for (size_t i = 0; i < at->count; i++) {
        const struct task *t = &at->tasks[i];
        if (!is_left(t))
            continue;
        usec_t notice = notice_time(at, t->state.flags);
        bool waits_for_place = t->due && t->way == WAY_REMOTE && at->crowded.len > 0;
        next = MIN(next, MAX(notice, now + MOMENT));
        if (t->outcome == OUTCOME_LATER || !t->due)
            next = MIN(next, t->state.next);
        else if (!waits_for_place)
            next = MIN(next, now + MAX(pause, MOMENT));
    }
    return next;
}

/* ------------------------------------------------------------------ the message's state */

/* As it is on the disk, but for what is being saved. */
static void build_state(struct save *s) {
    struct attempt *at = s->at;
    size_t n = 0;
    s->state = (struct spool_state){
        .flags = at->crowded.len > 0 ? at->flags : 0, .recipients = s->left, .next = USEC_NEVER};
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (!is_left(t))
            continue;
        bool written = t->outcome == OUTCOME_LATER && (t->saving || t->saved);
        struct spool_recipient_state *left = &s->left[n++];
        *left = written ? t->state : t->before;
        left->flags = s->notices ? (uint8_t)MAX(t->state.flags, s->told) : t->state.flags;
        if (s->brief)
            left->reply = left->extra = S("");
        usec_t notice = notice_time(at, left->flags);
        s->state.next = MIN(s->state.next, MIN(left->next, notice));
    }
    s->state.count = n;
}

static void add_change(struct save *s, struct spool_change change) {
    s->changes[s->change_count++] = change;
}

static void add_message(struct save *s, const struct made *m) {
    if (m->job)
        add_change(s, (struct spool_change){.kind = SPOOL_MESSAGE,
                                            .id = m->job->id,
                                            .envelope = &m->envelope,
                                            .content = m->content});
}

static void build_changes(struct save *s) {
    s->change_count = 0;
    add_message(s, &s->report);
    for (size_t i = 0; i < s->made_count; i++)
        add_message(s, &s->made[i]);
    if (s->state.count == 0)
        add_change(s, (struct spool_change){.kind = SPOOL_DONE, .id = s->at->id});
    else
        add_change(s,
                   (struct spool_change){.kind = SPOOL_STATE, .id = s->at->id, .state = &s->state});
}

/* ------------------------------------------------------------------ committing */

/* One try, with the message as it is at that moment. */
static int commit_once(struct save *s) WAITS {
    struct queue *q = s->at->q;
    const struct spool_message *message = spool_find(q->spool, s->at->id);
    if (!message)
        return -E_UNKNOWN;
    s->state.hold = message->hold || s->at->hold;
    return spool_update(q->spool, s->changes, s->change_count);
}

/* Until it works. -E_UNKNOWN: the message was removed; -ECANCELED: no more time. */
static int commit(struct save *s) WAITS {
    struct attempt *at = s->at;
    for (usec_t pause = PAUSE_FIRST;; pause = MIN(2 * pause, PAUSE_LONGEST)) {
        struct job *job;
        int error = make_report(at, s->items, s->item_count, &s->report);
        if (!error) {
            build_state(s);
            build_changes(s);
            error = job_lock(at->q, at->id, &job);
        }
        if (!error) {
            error = commit_once(s);
            job_unlock(at->q, job);
        }
        if (error == 0 || error == -E_UNKNOWN)
            return error;
        if (error == -E_LIMIT && !s->brief) {
            s->brief = true;
            continue;
        }
        log_event(at->q, at->id, KIND_WARNING, NULL, 0,
                  "What became of the message cannot be written to the disk: %s; trying again",
                  error_text(error));
        if (fiber_sleep(pause) < 0)
            return -ECANCELED;
    }
}

/* ------------------------------------------------------------------ afterwards */

static void outcomes_saved(struct save *s) {
    struct attempt *at = s->at;
    struct queue_stats *counts = &at->q->counts;
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (s->notices && !t->settled)
            t->state.flags = (uint8_t)MAX(t->state.flags, s->told);
        if (!t->saving)
            continue;
        log_outcome(at, t);
        counts->delivered += t->outcome == OUTCOME_DELIVERED;
        counts->transmitted += t->outcome == OUTCOME_RELAYED || t->outcome == OUTCOME_PASSED;
        counts->failed += t->outcome == OUTCOME_FAILED;
        t->saving = false;
        t->saved = true;
        t->settled = t->outcome > OUTCOME_LATER;
    }
}

static void saved(struct save *s) {
    struct queue *q = s->at->q;
    outcomes_saved(s);
    if (s->at->hold)
        log_event(q, s->at->id, KIND_HELD, NULL, 0,
                  "Put on hold: a postmaster has to look at it, see hayauma queue show");
    q->counts.reports += s->report.job != NULL;
    for (size_t i = 0; i < s->made_count; i++)
        made_saved(s->at, &s->made[i]);
    made_saved(s->at, &s->report);
    for (size_t i = 0; i < s->at->count; i++)
        if (s->at->tasks[i].saved)
            task_forget_wanted(s->at, &s->at->tasks[i]);
    if (s->state.count > 0)
        return;
    q->counts.settled++;
    log_event(q, s->at->id, KIND_SETTLED, NULL, 0, "All recipients are settled");
}

/* ------------------------------------------------------------------ settling */

static void save_begin(struct save *s, struct attempt *at) {
    *s = (struct save){.at = at};
    s->left = arena_array(at->a, at->count, sizeof *s->left);
    s->items = arena_array(at->a, 2 * at->count, sizeof *s->items);
    s->changes = arena_array(at->a, 3, sizeof *s->changes);
}

static void unmark(struct attempt *at) {
    for (size_t i = 0; i < at->count; i++)
        at->tasks[i].saving = false;
}

static void choose(struct save *s, enum settle_part part) {
    s->item_count = s->outcomes = s->sent_count = s->sent_bytes = 0;
    s->to_postmaster = s->more = false;
    choose_outcomes(s, part);
    if (part == SETTLE_END && !s->to_postmaster)
        choose_notices(s);
}

/* The message to the targets of aliases, and what deliveries want sent. */
static int make_all(struct save *s) WAITS {
    struct attempt *at = s->at;
    s->made = arena_array(at->a, 1 + s->sent_count, sizeof *s->made);
    if (s->sent_count > 0)
        s->changes = arena_array(at->a, 3 + s->sent_count, sizeof *s->changes);
    s->made_count = 1;
    int error = make_expansion(at, &s->made[0]);
    for (size_t i = 0; !error && i < at->count; i++) {
        const struct task *t = &at->tasks[i];
        for (size_t k = 0; !error && t->saving && t->wanted && k < t->wanted->delivered.count; k++)
            error = make_wanted(at, t, &t->wanted->delivered.wanted[k], &s->made[s->made_count++]);
    }
    return error;
}

/*
 * What cannot be made now is made later: the alias is tried again, and so is the mailbox, which
 * knows the message and wants the same sent.
 */
static void put_back_makers(struct save *s, int error) WAITS {
    struct attempt *at = s->at;
    give_up_made(s);
    for (size_t i = 0; i < at->count; i++) {
        struct task *t = &at->tasks[i];
        if (!t->saving || (t->outcome != OUTCOME_EXPANDED && !t->wanted))
            continue;
        task_forget_wanted(at, t);
        t->outcome = OUTCOME_NONE;
        task_conclude_error(at, t, error);
    }
}

/* True: there is more, for another commit. */
static bool settle_some(struct attempt *at, enum settle_part part) WAITS {
    _cleanup_(save_done) struct save s;
    save_begin(&s, at);
    choose(&s, part);
    int error = make_all(&s);
    if (error) {
        put_back_makers(&s, error);
        unmark(at);
        choose(&s, part);
    }
    if (s.outcomes == 0 && !s.notices)
        return false;
    error = commit(&s);
    if (error == 0) {
        saved(&s);
        return s.more || (part == SETTLE_END && s.to_postmaster);
    }
    unmark(at);
    at->gone = at->gone || error == -E_UNKNOWN;
    return false;
}

void settle(struct attempt *at, enum settle_part part) {
    while (!at->gone && settle_some(at, part))
        ;
}

int settle_removed(struct attempt *at, bool bounce) {
    _cleanup_(save_done) struct save s;
    save_begin(&s, at);
    s.removed = true;
    for (size_t i = 0; i < at->count; i++)
        task_conclude(
            at, &at->tasks[i], OUTCOME_FAILED,
            SMTP_REPLY(550, 5, 7, 1, "The postmaster has removed the message from the queue"));
    choose_outcomes(&s, SETTLE_END);
    if (!bounce)
        s.item_count = 0;
    int error = make_report(at, s.items, s.item_count, &s.report);
    if (error)
        return error;
    build_state(&s);
    build_changes(&s);
    error = commit_once(&s);
    if (error == 0)
        saved(&s);
    return error;
}
