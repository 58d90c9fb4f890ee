/* SPDX-License-Identifier: ISC */
/*
 * Who is worked on next: the clock that calls those whose time has come, and the workers.
 */
#include <errno.h>

#include "queue/internal.h"

#define CALLED_AT_ONCE 1000U
#define CLOCK_MOST     (60 * USEC_SEC) /* so a step of the wall clock is noticed */

/* ------------------------------------------------------------------ the line */

void line_init(struct line *l) {
    for (size_t i = 0; i < FLOWS; i++)
        list_init(&l->flows[i]);
}

static struct job *line_pop(struct line *l) {
    for (size_t i = 0; i < FLOWS; i++) {
        struct link *k = list_pop(&l->flows[l->next++ % FLOWS]);
        if (k) {
            l->count--;
            return CONTAINER_OF(k, struct job, link);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ limits */

unsigned work_active(const struct queue *q) {
    return q->active[LOAD_LOCAL] + q->active[LOAD_FRESH] + q->active[LOAD_RETRIED];
}

size_t work_ready(const struct queue *q) {
    return q->at_door + q->lines[LOAD_FRESH].count + q->lines[LOAD_RETRIED].count;
}

/* How many more attempts of this kind may begin. */
static size_t room_for(const struct queue *q, enum load load) {
    unsigned all = MAX(q->options.active_max, 4U), remote = all - all / 4;
    unsigned remote_active = q->active[LOAD_FRESH] + q->active[LOAD_RETRIED];
    unsigned used = work_active(q), room = all > used ? all - used : 0;
    if (load == LOAD_LOCAL)
        return room;
    room = MIN(room, remote > remote_active ? remote - remote_active : 0);
    unsigned retried = remote - remote / 4, retried_active = q->active[LOAD_RETRIED];
    if (load == LOAD_RETRIED)
        room = MIN(room, retried > retried_active ? retried - retried_active : 0);
    return room;
}

bool work_may_go_remote(struct queue *q, struct job *job, enum load load) {
    if (work_ready(q) > q->at_door || room_for(q, load) == 0)
        return false;
    q->active[job->load]--;
    q->active[load]++;
    job->load = (uint8_t)load;
    return true;
}

/* ------------------------------------------------------------------ workers */

static struct job *take_from_line(struct queue *q) {
    struct job *job = NULL;
    if (room_for(q, LOAD_FRESH) > 0)
        job = line_pop(&q->lines[LOAD_FRESH]);
    if (!job && room_for(q, LOAD_RETRIED) > 0)
        job = line_pop(&q->lines[LOAD_RETRIED]);
    return job;
}

static struct job *take_from_door(struct queue *q) {
    struct link *k = room_for(q, LOAD_LOCAL) > 0 ? list_pop(&q->door) : NULL;
    if (!k)
        return NULL;
    q->at_door--;
    return CONTAINER_OF(k, struct job, link);
}

/* From the door and the line in turn. */
static struct job *take(struct queue *q) {
    if (q->stopping)
        return NULL;
    q->line_next = !q->line_next;
    struct job *job = q->line_next ? take_from_line(q) : take_from_door(q);
    if (!job)
        job = q->line_next ? take_from_door(q) : take_from_line(q);
    if (job) {
        job->place = AT_WORK;
        q->active[job->load]++;
    }
    return job;
}

static void worker_fiber(void *arg) WAITS {
    struct queue *q = arg;
    _cleanup_(arena_done) struct arena a = {0};
    struct job *job;
    q->unstarted--;
    while ((job = take(q))) {
        q->attempt(q, job, &a);
        arena_reset(&a);
    }
    if (--q->workers == 0)
        fiber_cond_wake_all(&q->idle);
}

void work_start(struct queue *q) {
    size_t room = room_for(q, LOAD_LOCAL);
    size_t takeable = MIN(q->at_door, room) +
                      MIN(q->lines[LOAD_FRESH].count, room_for(q, LOAD_FRESH)) +
                      MIN(q->lines[LOAD_RETRIED].count, room_for(q, LOAD_RETRIED));
    while (q->clock && !q->stopping && q->unstarted < MIN(takeable, room)) {
        if (fiber_spawn_under(q->clock, "queue worker", worker_fiber, q) < 0)
            return;
        q->workers++;
        q->unstarted++;
    }
}

/* ------------------------------------------------------------------ the clock */

/* A hundred thousand at once, after a restart, are not to keep others waiting. */
static void call_due(struct queue *q) WAITS {
    struct heap_item *first;
    for (unsigned n = 1; (first = heap_first(&q->due)) && first->key <= fiber_wall(); n++) {
        struct job *job = CONTAINER_OF(first, struct job, due);
        job_take_out(q, job);
        job_ready(q, job);
        if (n % CALLED_AT_ONCE == 0 && fiber_yield() < 0)
            return;
    }
}

/* All in one go, for the map must not change: it happens once in the life of a clock. */
void clock_void_plans(struct queue *q) {
    usec_t wall = fiber_wall();
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&q->jobs, &at));) {
        struct job *job = e->value;
        if (job->due.place == 0 || !schedule_is_void(&q->options.schedule, job->due.key, wall))
            continue;
        heap_remove(&q->due, &job->due);
        heap_add(&q->due, &job->due, wall);
    }
}

void clock_fiber(void *arg) {
    struct queue *q = arg;
    usec_t swept = fiber_now();
    while (!fiber_cancelled()) {
        if (schedule_look(&q->wall, fiber_now(), fiber_wall()) == SCHEDULE_BACK)
            clock_void_plans(q);
        call_due(q);
        work_start(q);
        if (fiber_now() - swept >= CLOCK_MOST) {
            destinations_sweep(q);
            swept = fiber_now();
        }
        const struct heap_item *first = heap_first(&q->due);
        bool no_stacks = q->workers == 0 && work_ready(q) > 0;
        usec_t span = no_stacks ? USEC_SEC : CLOCK_MOST;
        if (first)
            span = MIN(first->key - fiber_wall(), span);
        if (fiber_cond_wait_until(&q->clock_wanted, fiber_now() + span) == -ECANCELED)
            return;
    }
}

/* ------------------------------------------------------------------ memory */

void budget_init(struct budget *b) {
    *b = (struct budget){0};
    fiber_mutex_init(&b->turn);
    fiber_cond_init(&b->freed);
}

bool budget_has_room(const struct queue *q, const struct budget *b, uint64_t bytes) {
    return !b->turn.owner && (b->used == 0 || b->used + bytes <= q->options.memory_max / 2);
}

int budget_take(struct queue *q, struct budget *b, uint64_t bytes) {
    int error = fiber_mutex_lock(&b->turn);
    if (error)
        return error;
    while (!error && b->used > 0 && b->used + bytes > q->options.memory_max / 2)
        error = fiber_cond_wait(&b->freed);
    if (!error)
        b->used += bytes;
    fiber_mutex_unlock(&b->turn);
    return error;
}

void budget_give(struct budget *b, uint64_t bytes) {
    b->used -= bytes;
    fiber_cond_wake_all(&b->freed);
}
