/* SPDX-License-Identifier: ISC */
/*
 * The message of an attempt: its state as it stands in the spool, copied, since a postmaster may
 * remove it at any wait; and its bytes, for which there is a budget of memory.
 */
#include "base/siphash.h"
#include "queue/attempt.h"

#define IN_MEMORY_MAX (512U << 10)    /* a larger message lies in a file */
#define IN_FILE_COST  (64U << 10)     /* what a message in a file takes in memory, about */
#define DUE_TOGETHER  (30 * USEC_SEC) /* whose time comes so soon is tried along with others */

/* ------------------------------------------------------------------ its state */

static void load_tasks(struct attempt *at, const struct spool_state *state) {
    at->count = state->count;
    at->tasks = arena_array(at->a, state->count, sizeof *at->tasks);
    at->flags = state->flags;
    for (size_t i = 0; i < state->count; i++) {
        struct task *t = &at->tasks[i];
        t->before = t->state = state->recipients[i];
        t->to = &at->envelope.recipients[t->state.index];
        t->mailbox = t->state.index < at->extra.mailboxes;
        t->due =
            t->state.next <= at->wall + (t->state.status == STATUS_UNSURE ? 0 : DUE_TOGETHER) ||
            schedule_is_void(&at->q->options.schedule, t->state.next, at->wall);
    }
}

bool attempt_load(struct attempt *at, struct queue *q, struct job *job, struct arena *a) {
    const struct spool_message *message = spool_find(q->spool, job->id);
    struct spool_state state;
    if (!message)
        return false;
    *at = (struct attempt){.q = q, .job = job, .a = a, .id = job->id, .size = message->size};
    at->wall = fiber_wall();
    fiber_cond_init(&at->step_done);
    fiber_mutex_init(&at->signing);
    struct spool_message copy = *message;
    copy.envelope = arena_copy(a, message->envelope);
    copy.state = arena_copy(a, message->state);
    envelope_read(&copy, a, &at->envelope, &at->extra);
    spool_state(&copy, a, &state);
    load_tasks(at, &state);
    struct slice flow = at->envelope.login.len > 0 ? at->envelope.login : at->envelope.reverse_path;
    job->flow = (uint8_t)(siphash(flow) % FLOWS);
    return true;
}

queue_id attempt_root(const struct attempt *at) {
    return at->extra.root ? at->extra.root : at->id;
}

bool attempt_of_stranger(const struct attempt *at) {
    return at->extra.stranger || at->envelope.origin == QUEUE_FROM_OUTSIDE;
}

/* ------------------------------------------------------------------ its bytes */

uint64_t attempt_memory(const struct attempt *at) {
    return at->size > IN_MEMORY_MAX ? IN_FILE_COST : at->size;
}

int attempt_open_body(struct attempt *at) {
    struct queue *q = at->q;
    struct budget *b = at->no_budget ? NULL : &q->budgets[at->job->load != LOAD_LOCAL];
    if (at->body_open)
        return 0;
    uint64_t bytes = attempt_memory(at);
    int error = b ? budget_take(q, b, bytes) : 0;
    if (error)
        return error;
    error = spool_body_open(q->spool, at->id, &at->body);
    if (error) {
        at->gone = error == -E_UNKNOWN;
        if (b)
            budget_give(b, bytes);
        return error;
    }
    at->budget = bytes;
    at->budget_of = b;
    at->body_open = true;
    return 0;
}

void attempt_close_body(struct attempt *at) {
    if (!at->body_open)
        return;
    spool_body_close(&at->body);
    if (at->budget_of)
        budget_give(at->budget_of, at->budget);
    at->body_open = false;
}

int content_begin(struct attempt *at, size_t max, struct slice *ret) {
    const struct spool_body *body = &at->body;
    int error = attempt_open_body(at);
    if (error)
        return error;
    if (body->file_len == 0 || body->bytes.len >= max) {
        *ret = slice_first(body->bytes, max);
        return 0;
    }
    size_t len = (size_t)MIN(body->bytes.len + body->file_len, (uint64_t)max);
    char *bytes = arena_alloc(at->a, len);
    ssize_t n = spool_body_read(body, 0, bytes, len);
    if (n < 0)
        return (int)n;
    *ret = slice_of(bytes, (size_t)n);
    return 0;
}
