/* SPDX-License-Identifier: ISC */
/*
 * Jobs and their places. A job is taken out of one place and put into another here and nowhere
 * else; with it goes the place at a destination that is kept for it.
 *
 * Destinations: how many transmissions are under way to each, which messages wait for a place there
 * (at its counter, in order of arrival), and whether it rests. A place that becomes free is kept
 * for the first message at the counter until that message's next attempt has ended.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "queue/internal.h"

/* ------------------------------------------------------------------ jobs */

struct job *job_find(const struct queue *q, queue_id id) {
    return map_get(&q->jobs, map_u64(&id));
}

struct job *job_new(struct queue *q, queue_id id) {
    struct job *job = NEW(struct job);
    job->id = id;
    job->place = AT_ENTRY;
    job->locked = true;
    MUST(map_put(&q->jobs, map_u64(&job->id), job) == NULL);
    return job;
}

int job_lock(struct queue *q, queue_id id, struct job **ret_job) {
    struct job *job;
    while ((job = job_find(q, id))) {
        if (!job->locked) {
            job->locked = true;
            *ret_job = job;
            return 0;
        }
        int error = fiber_cond_wait(&q->unlocked);
        if (error)
            return error;
    }
    return -E_UNKNOWN;
}

void job_unlock(struct queue *q, struct job *job) {
    job->locked = false;
    fiber_cond_wake_all(&q->unlocked);
}

queue_id queue_new_id(struct queue *q) {
    queue_id id;
    do
        id = queue_id_next(&q->ids, fiber_wall());
    while (job_find(q, id));
    return id;
}

/* ------------------------------------------------------------------ places */

void job_ready(struct queue *q, struct job *job) {
    if (job->load == LOAD_LOCAL) {
        job->place = AT_DOOR;
        list_append(&q->door, &job->link);
        q->at_door++;
    } else {
        struct line *l = &q->lines[job->load];
        job->place = AT_LINE;
        list_append(&l->flows[job->flow % FLOWS], &job->link);
        l->count++;
    }
    q->work_wanted(q);
}

void job_free(struct queue *q, struct job *job) {
    if (job->place != AT_WORK && job->place != AT_ENTRY)
        job_take_out(q, job);
    destination_unreserve(q, job);
    (void)map_remove(&q->jobs, map_u64(&job->id));
    fiber_cond_wake_all(&q->unlocked);
    free(job);
}

void job_place(struct queue *q, struct job *job, usec_t when) {
    const struct spool_message *message = spool_find(q->spool, job->id);
    if (!message) {
        job_free(q, job);
        return;
    }
    job->place = AT_REST;
    if (message->hold)
        return;
    usec_t wall = fiber_wall();
    if (when <= wall || schedule_is_void(&q->options.schedule, when, wall)) {
        job_ready(q, job);
        return;
    }
    heap_add(&q->due, &job->due, when);
    if (heap_first(&q->due) == &job->due)
        fiber_cond_wake_all(&q->clock_wanted);
}

void job_take_out(struct queue *q, struct job *job) {
    MUST(job->place != AT_WORK && job->place != AT_ENTRY);
    if (job->place == AT_DOOR)
        q->at_door--;
    else if (job->place == AT_LINE)
        q->lines[job->load].count--;
    link_remove(&job->link);
    heap_remove(&q->due, &job->due);
    job->place = AT_REST;
    destination_unreserve(q, job);
}

/* ------------------------------------------------------------------ destinations */

struct destination *destination_get(struct queue *q, struct slice name) {
    struct destination *d = map_get(&q->destinations, name);
    if (d)
        return d;
    d = mem_zero(sizeof *d + name.len);
    if (name.len > 0)
        memcpy(d + 1, name.ptr, name.len);
    d->name = slice_of(d + 1, name.len);
    list_init(&d->counter);
    (void)map_put(&q->destinations, d->name, d);
    return d;
}

static void forget_if_idle(struct queue *q, struct destination *d) {
    if (d->under_way > 0 || !list_empty(&d->counter) || d->rests_until > fiber_now())
        return;
    (void)map_remove(&q->destinations, d->name);
    free(d);
}

bool destination_enter(struct queue *q, struct destination *d, struct job *job) {
    if (job->reserved == d) {
        job->reserved = NULL;
        return true;
    }
    if (d->under_way >= q->options.destination_max || !list_empty(&d->counter))
        return false;
    d->under_way++;
    return true;
}

static struct job *call_next(struct queue *q, struct destination *d) {
    struct job *job = CONTAINER_OF(list_first(&d->counter), struct job, link);
    job_take_out(q, job);
    return job;
}

void destination_leave(struct queue *q, struct destination *d) {
    d->under_way--;
    while (!list_empty(&d->counter) && d->under_way < q->options.destination_max) {
        struct job *job = call_next(q, d);
        d->under_way++;
        job->reserved = d;
        job_place(q, job, 0);
    }
    forget_if_idle(q, d);
}

void destination_unreserve(struct queue *q, struct job *job) {
    struct destination *d = job->reserved;
    job->reserved = NULL;
    if (d)
        destination_leave(q, d);
}

void destination_wait(struct queue *q, struct destination *d, struct job *job, usec_t when) {
    if (d->under_way < q->options.destination_max && list_empty(&d->counter)) {
        job_place(q, job, 0);
        return;
    }
    job->place = AT_COUNTER;
    list_append(&d->counter, &job->link);
    if (when != USEC_NEVER)
        heap_add(&q->due, &job->due, when);
}

void destination_rest(struct queue *q, struct destination *d, usec_t span, struct slice why) {
    d->rests_until = fiber_now() + span;
    (void)snprintf(d->why, sizeof d->why, "%.*s", SLICE_ARG(why));
    while (!list_empty(&d->counter))
        job_place(q, call_next(q, d), 0);
}

void destinations_sweep(struct queue *q) {
    _cleanup_(buf_done) struct buf all = {0};
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->destinations, &at)))
        buf_add_bytes(&all, &e->value, sizeof e->value);
    for (size_t i = 0; i < all.len; i += sizeof(void *)) {
        struct destination *d;
        memcpy(&d, all.ptr + i, sizeof d);
        forget_if_idle(q, d);
    }
}

void destinations_done(struct queue *q) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->destinations, &at)))
        free(e->value);
    map_done(&q->destinations);
}
