/* SPDX-License-Identifier: ISC */
/*
 * The queue's life. See internal.h for the design.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "queue/attempt.h"

/* ------------------------------------------------------------------ opening, closing */

/* What is due is called by the clock, oldest first. */
static int adopt(void *arg, struct spool_message *message) {
    struct queue *q = arg;
    struct job *job = job_new(q, message->id);
    job->locked = false;
    job->place = AT_REST;
    if (message->hold)
        held_note(q, message, true);
    else
        heap_add(&q->due, &job->due, message->next ? message->next : message->arrival);
    return 0;
}

static void set_options(struct queue *q, const struct queue_options *options) {
    free(q->hostname);
    q->hostname = mem_str(options->hostname);
    q->options = *options;
    q->options.hostname = slice_of_str(q->hostname);
}

static struct queue *make(const struct queue_options *options, const struct queue_ops *ops) {
    MUST(options->hostname.len > 0 && ops->resolve && ops->deliver && ops->transmit);
    MUST(options->schedule.notice_count <= QUEUE_NOTICES);
    struct queue *q = NEW(struct queue);
    set_options(q, options);
    q->wall = (struct schedule_clock){fiber_wall() - fiber_now(), fiber_now()};
    q->ops = *ops;
    q->work_wanted = work_start;
    q->attempt = attempt_run;
    queue_ids_init(&q->ids, options->worker);
    list_init(&q->door);
    for (size_t i = 0; i < LOADS; i++)
        line_init(&q->lines[i]);
    for (size_t i = 0; i < ARRAY_SIZE(q->budgets); i++)
        budget_init(&q->budgets[i]);
    fiber_cond_init(&q->clock_wanted);
    fiber_cond_init(&q->unlocked);
    fiber_cond_init(&q->idle);
    return q;
}

/* Without its spool. */
static void queue_free(struct queue *q) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->jobs, &at)))
        free(e->value);
    map_done(&q->jobs);
    destinations_done(q);
    fiber_turns_done(&q->turns);
    heap_done(&q->due);
    held_done(q);
    free(q->hostname);
    free(q);
}

int queue_open(int dir, const struct queue_options *options, const struct queue_ops *ops,
               struct queue **ret_queue, struct problem *problem) {
    struct queue *q = make(options, ops);
    struct spool_options spool = options->spool;
    spool.held = held_note;
    spool.held_arg = q;
    int error = spool_open(dir, &spool, &q->spool, problem);
    if (error) {
        queue_free(q);
        return error;
    }
    (void)spool_each(q->spool, adopt, q);
    *ret_queue = q;
    return 0;
}

int queue_start(struct queue *q) {
    int error = fiber_start("queue clock", clock_fiber, q, &q->clock);
    clock_void_plans(q);
    if (!error)
        work_start(q);
    return error;
}

void queue_configure(struct queue *q, const struct queue_options *options) {
    MUST(options->hostname.len > 0 && options->schedule.notice_count <= QUEUE_NOTICES);
    set_options(q, options);
    spool_set_reserve(q->spool, options->spool.reserve);
    work_start(q);
}

static void drop_files(struct queue *q) WAITS {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->files, &at))) {
        struct open_file *file = e->value;
        spool_large_drop(q->spool, file->large);
        free(file);
    }
    map_done(&q->files);
}

void queue_stop(struct queue *q, usec_t deadline) {
    if (!q)
        return;
    q->stopping = true;
    while (q->guests > 0 && fiber_cond_wait(&q->idle) == 0)
        continue;
    while (q->workers > 0 && fiber_cond_wait_until(&q->idle, deadline) == 0)
        continue;
    if (q->clock) {
        fiber_cancel(q->clock);
        fiber_join(q->clock);
    }
    drop_files(q);
    spool_close(q->spool);
    queue_free(q);
}

/* ------------------------------------------------------------------ messages coming in */

int queue_submit(struct queue *q, const struct queue_message *message, struct problem *problem) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    int error = accept_message(q, message, problem);
    if (!error && message->hold && message->notify)
        notice_held(q, message);
    return error;
}

bool queue_room(struct queue *q, uint64_t size) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    return !q->stopping && !spool_is_full(q->spool, size);
}

/* ------------------------------------------------------------------ numbers */

void queue_stats(const struct queue *q, struct queue_stats *ret) {
    *ret = q->counts;
    ret->held = q->held.messages;
    ret->active = work_active(q);
    ret->ready = work_ready(q);
    spool_stat(q->spool, &ret->spool);
    ret->messages = ret->spool.messages;
}
