/* SPDX-License-Identifier: ISC */
/*
 * What a postmaster sees and does. Walks go over a snapshot of the ids, so that they may wait in
 * between; a message that is gone by then is passed over.
 */
#include <errno.h>

#include "base/words.h"

#include "queue/attempt.h"

#define SORT_HERE_MAX   4096U /* more ids are sorted in another thread */
#define WALK_MOST       64U   /* messages looked at without giving way to others */
#define ACT_SHARE       4U    /* messages for which it is worth to start a further fiber */
#define ACT_HELPERS_MAX 64U

/* ------------------------------------------------------------------ snapshots */

/* Ids of the messages, in order. */
struct snapshot {
    struct buf ids; /* queue_id */
    size_t at, count;
    unsigned looked;
};

static void snapshot_done(struct snapshot *s) {
    buf_done(&s->ids);
}

static int by_id(const void *a, const void *b) {
    queue_id x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int sort(void *arg) {
    struct snapshot *s = arg;
    if (s->count > 0)
        qsort(s->ids.ptr, s->count, sizeof(queue_id), by_id);
    return 0;
}

static void snapshot_take(struct queue *q, queue_id after, struct snapshot *s) WAITS {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->jobs, &at))) {
        const struct job *job = e->value;
        if (job->id > after)
            buf_add_bytes(&s->ids, &job->id, sizeof job->id);
    }
    s->count = s->ids.len / sizeof(queue_id);
    if (s->count > SORT_HERE_MAX)
        (void)offload(OFFLOAD_DISK, sort, s);
    else
        (void)sort(s);
}

/* One message that is asked for by its id, or all that may match. */
static void snapshot_of(struct queue *q, const struct queue_match *match, queue_id after,
                        struct snapshot *s) WAITS {
    if (!match->id) {
        snapshot_take(q, after, s);
    } else if (match->id > after) {
        buf_add_bytes(&s->ids, &match->id, sizeof match->id);
        s->count = 1;
    }
}

/* 1 with the next id, 0 at the end, or -ECANCELED. */
static int snapshot_next(struct queue *q, struct snapshot *s, queue_id *ret) WAITS {
    if (++s->looked % WALK_MOST == 0 && fiber_yield() < 0)
        return -ECANCELED;
    if (q->stopping)
        return -ECANCELED;
    if (s->at == s->count) /* only now: others may walk the same snapshot while we wait */
        return 0;
    memcpy(ret, s->ids.ptr + s->at++ * sizeof *ret, sizeof *ret);
    return 1;
}

/* ------------------------------------------------------------------ matching */

static bool contains(struct slice text, struct slice part) {
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (slice_eq_nocase(slice_first(slice_from(text, i), part.len), part))
            return true;
    return false;
}

static bool matches(const struct spool_message *message, const struct queue_match *match,
                    struct arena *a) {
    struct envelope envelope;
    struct spool_state state;
    if (match->all || match->id)
        return true;
    spool_envelope(message, a, &envelope);
    if (match->login.len > 0 && !slice_eq_nocase(envelope.login, match->login))
        return false;
    if (match->text.len == 0 || contains(envelope.reverse_path, match->text))
        return true;
    spool_state(message, a, &state);
    for (size_t i = 0; i < state.count; i++)
        if (contains(envelope.recipients[state.recipients[i].index].address, match->text))
            return true;
    return false;
}

/* The message of that id if it is there and matches. */
static const struct spool_message *find_match(struct queue *q, queue_id id,
                                              const struct queue_match *match) {
    _cleanup_(arena_done) struct arena scratch = {0};
    const struct spool_message *message = spool_find(q->spool, id);
    return message && job_find(q, id) && matches(message, match, &scratch) ? message : NULL;
}

/* ------------------------------------------------------------------ list */

static void describe_waiting(const struct spool_state *state, const struct envelope *envelope,
                             struct arena *a, struct queue_entry *to) {
    to->waiting_count = MIN(state->count, (size_t)QUEUE_WAITING_MAX);
    struct queue_waiting *all = arena_array(a, to->waiting_count, sizeof *all);
    for (size_t i = 0; i < to->waiting_count; i++) {
        const struct spool_recipient_state *left = &state->recipients[i];
        all[i] = (struct queue_waiting){
            .address = arena_copy(a, envelope->recipients[left->index].address),
            .status = left->attempts == 0           ? N_("new")
                      : left->status == STATUS_FULL ? N_("full")
                                                    : N_("later"),
            .attempts = left->attempts,
            .next = left->next,
            .reply = arena_copy(a, left->reply),
        };
    }
    to->waiting = all;
}

static struct queue_entry describe(struct queue *q, const struct spool_message *message,
                                   bool details, struct arena *a) {
    const struct job *job = job_find(q, message->id);
    struct envelope envelope;
    struct spool_state state;
    spool_envelope(message, a, &envelope);
    spool_state(message, a, &state);
    struct queue_entry entry = {
        .id = message->id,
        .arrival = message->arrival,
        .size = message->size,
        .sender = arena_copy(a, envelope.reverse_path),
        .login = arena_copy(a, envelope.login),
        .hold = message->hold,
        .active = job->place == AT_WORK,
        .damaged = message->damaged,
        .next = message->hold    ? message->next
                : job->due.place ? job->due.key
                                 : 0,
        .recipients = message->recipients,
        .left = message->left,
    };
    if (details)
        describe_waiting(&state, &envelope, a, &entry);
    if (state.count > 0)
        entry.first = arena_copy(a, envelope.recipients[state.recipients[0].index].address);
    return entry;
}

int queue_list(struct queue *q, const struct queue_match *match, queue_id after, size_t limit,
               bool details, struct arena *a, struct queue_page *ret) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    _cleanup_(snapshot_done) struct snapshot s = {0};
    struct queue_page page = {0};
    queue_id id;
    int more = 0;
    snapshot_of(q, match, after, &s);
    limit = MIN(limit, s.count);
    page.entries = arena_array(a, limit, sizeof *page.entries);
    while (page.count < limit && (more = snapshot_next(q, &s, &id)) > 0) {
        const struct spool_message *message = find_match(q, id, match);
        if (message)
            page.entries[page.count++] = describe(q, message, details, a);
    }
    if (more < 0)
        return more;
    struct spool_stat stat;
    spool_stat(q->spool, &stat);
    page.total = stat.messages;
    *ret = page;
    return 0;
}

ssize_t queue_read(struct queue *q, queue_id id, uint64_t offset, void *to, size_t size) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    struct spool_body body;
    int error = spool_body_open(q->spool, id, &body);
    if (error)
        return error;
    ssize_t n = spool_body_read(&body, offset, to, size);
    spool_body_close(&body);
    return n;
}

/* ------------------------------------------------------------------ hold, release, retry */

/* The message's state with one thing changed. */
static int write_state(struct queue *q, const struct spool_message *message,
                       enum queue_action action) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_message copy = *message;
    struct spool_state state;
    copy.state = arena_copy(&a, message->state);
    spool_state(&copy, &a, &state);
    if (action == QUEUE_RETRY) {
        struct spool_recipient_state *all = arena_array(&a, state.count, sizeof *all);
        for (size_t i = 0; i < state.count; i++) {
            all[i] = state.recipients[i];
            all[i].next = 0;
        }
        state.recipients = all;
        state.next = 0;
        state.flags |= STATE_NOW;
    } else {
        state.hold = action == QUEUE_HOLD;
    }
    struct spool_change change = {.kind = SPOOL_STATE, .id = message->id, .state = &state};
    return spool_update(q->spool, &change, 1);
}

/*
 * Nothing is changed for a message that is as it should be, or just being tried. The job goes where
 * the changed state says; a worker that has it places it later.
 */
static int change(struct queue *q, struct job *job, const struct queue_order *order) WAITS {
    static const struct {
        const char *kind, *sentence;
    } events[] = {
        [QUEUE_HOLD] = {KIND_HELD, "Put on hold by"},
        [QUEUE_RELEASE] = {KIND_RELEASED, "Released by"},
        [QUEUE_RETRY] = {KIND_RETRIED, "To be tried at once, says"},
    };
    enum queue_action action = order->action;
    const struct spool_message *message = spool_find(q->spool, job->id);
    if (!message)
        return -E_UNKNOWN;
    if (action == QUEUE_RETRY ? job->place == AT_WORK : message->hold == (action == QUEUE_HOLD))
        return 0;
    int error = write_state(q, message, action);
    if (error)
        return error;
    log_order(q, job->id, events[action].kind, events[action].sentence, order->by);
    if (job->place == AT_WORK)
        return 0;
    message = spool_find(q->spool, job->id);
    job_take_out(q, job);
    job_place(q, job, message ? message->next : 0);
    return 0;
}

/* ------------------------------------------------------------------ remove */

static int take_away(struct queue *q, struct job *job, const struct queue_order *order) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct attempt at;
    if (!attempt_load(&at, q, job, &a))
        return -E_UNKNOWN;
    at.no_budget = true;
    int error = settle_removed(&at, order->bounce);
    attempt_close_body(&at);
    if (error)
        return error;
    log_removed(&at, order);
    return 0;
}

static int act_on(struct queue *q, queue_id id, const struct queue_order *order) WAITS {
    bool removes = order->action == QUEUE_REMOVE;
    struct job *job;
    int error = job_lock(q, id, &job);
    if (error)
        return error;
    error = removes ? take_away(q, job, order) : change(q, job, order);
    job_unlock(q, job);
    if (!error && removes && job->place != AT_WORK)
        job_free(q, job);
    return error;
}

/* Many fibers at the same snapshot, so that their changes share commits. */
struct act {
    struct queue *q;
    const struct queue_order *order;
    const struct queue_match *match;
    struct snapshot snapshot;
    uint64_t count, held;
    int error;
    unsigned helpers;
    struct fiber_cond done;
};

static void act_on_all(struct act *act) WAITS {
    queue_id id;
    int more = 0;
    while (!act->error && (more = snapshot_next(act->q, &act->snapshot, &id)) > 0) {
        if (!find_match(act->q, id, act->match))
            continue;
        int error = act_on(act->q, id, act->order);
        const struct spool_message *message = spool_find(act->q->spool, id);
        act->count += error == 0;
        act->held += error == 0 && message && message->hold;
        if (error && error != -E_UNKNOWN)
            act->error = error;
    }
    if (more < 0)
        act->error = more;
}

static void act_fiber(void *arg) WAITS {
    struct act *act = arg;
    act_on_all(act);
    act->helpers--;
    fiber_cond_wake_all(&act->done);
}

int queue_act(struct queue *q, const struct queue_order *order, const struct queue_match *match,
              uint64_t *ret_count, uint64_t *ret_held, struct problem *problem) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    struct act act = {.q = q, .order = order, .match = match};
    if (order->action >= QUEUE_ACTIONS)
        return problem_set(problem, -EINVAL, N_("there is no such action"));
    if ((match->all ? 1 : 0) + (match->id ? 1 : 0) + (match->text.len > 0 ? 1 : 0) +
            (match->login.len > 0 ? 1 : 0) !=
        1)
        return problem_set(problem, -EINVAL,
                           N_("say which messages: by id, by a part of an address, by the account"
                              " that submitted them, or all"));
    fiber_cond_init(&act.done);
    snapshot_of(q, match, 0, &act.snapshot);
    size_t want = MIN(act.snapshot.count / ACT_SHARE, (size_t)ACT_HELPERS_MAX);
    while (act.helpers < want && fiber_spawn("queue control", act_fiber, &act) == 0)
        act.helpers++;
    act_on_all(&act);
    while (act.helpers > 0)
        if (fiber_cond_wait(&act.done) == -ECANCELED)
            fiber_cancel_children();
    snapshot_done(&act.snapshot);
    if (act.error)
        return problem_set(problem, act.error, N_("after %llu messages: %s"),
                           (unsigned long long)act.count, error_text(act.error));
    if (match->id && act.count == 0)
        return problem_set(problem, -E_UNKNOWN, N_("no such message is in the queue"));
    *ret_count = act.count;
    if (ret_held)
        *ret_held = act.held;
    return 0;
}
