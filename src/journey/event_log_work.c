/* SPDX-License-Identifier: ISC */
/*
 * The working fiber: gathers, writes, prunes, and begins a new database when the old one is of no
 * use. Sees to it that an error is logged once and not every few seconds.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/words.h"
#include "events/kinds.h"
#include "journey/event_log_inside.h"

#define RETRY_AFTER (5 * USEC_SEC)

/* ------------------------------------------------------------------ the database */

struct write_job {
    struct event_log *log;
    struct db_limits limits;
    uint64_t step;
    struct problem problem;
};

static int write_job(void *arg) {
    struct write_job *job = arg;
    struct event_log *l = job->log;
    int r = l->writer ? 0 : event_db_open(l->path, false, &l->writer, &job->problem);
    if (r < 0)
        return r;
    l->writer->db->problem = &job->problem;
    if (l->writing.count > 0)
        r = l->syncing ? event_db_write_synced(l->writer, &l->writing)
                       : event_db_write(l->writer, &l->writing);
    l->writer->db->problem = NULL;
    if (r < 0) /* the next attempt looks at the file anew */
        event_db_close(TAKE_PTR(l->writer));
    return r;
}

static int prune_job(void *arg) {
    struct write_job *job = arg;
    return event_db_prune(job->log->writer, &job->limits, job->step);
}

/* Renames the database with its log; its shared memory is made anew. */
static int put_aside_job(void *arg) {
    struct event_log *l = arg;
    _cleanup_(free_p) char *to = mem_printf("%s.damaged", l->path);
    _cleanup_(free_p) char *log = mem_printf("%s-wal", l->path);
    _cleanup_(free_p) char *log_to = mem_printf("%s-wal", to);
    _cleanup_(free_p) char *memory = mem_printf("%s-shm", l->path);
    event_db_close(l->reader);
    event_db_close(l->writer);
    l->reader = l->writer = NULL;
    (void)unlink(log_to);
    int r = rename(l->path, to) < 0 && errno != ENOENT ? -errno : 0;
    if (r == 0 && rename(log, log_to) < 0 && errno != ENOENT)
        r = -errno;
    (void)unlink(memory);
    return r;
}

/* A database that nobody can use makes place for a new one; said once it could be begun. */
static int write_batch(struct event_log *l, struct problem *problem) WAITS {
    struct write_job job = {.log = l};
    int r = l->damaged ? problem_set(&job.problem, -E_CORRUPT, N_("events.db is damaged"))
                       : offload(OFFLOAD_DISK, write_job, &job);
    if (r != -E_CORRUPT && r != -E_VERSION) {
        if (r < 0 && !l->failing)
            event_log_report(l, KIND_ERROR, "Events cannot be written: %s.",
                             job.problem.text[0] ? job.problem.text : error_text(r));
        *problem = job.problem;
        return r;
    }
    struct problem cause = job.problem;
    r = fiber_mutex_lock(&l->reading);
    if (r == 0) {
        r = offload(OFFLOAD_DISK, put_aside_job, l);
        fiber_mutex_unlock(&l->reading);
        l->damaged = false;
    }
    if (r == 0)
        r = offload(OFFLOAD_DISK, write_job, &job);
    *problem = job.problem;
    if (!l->failing)
        event_log_report(l, KIND_DAMAGED, "%s; it was renamed to %s.damaged, and %s.", cause.text,
                         l->path, r == 0 ? "a new one has begun" : "a new one cannot be begun");
    return r;
}

/* ------------------------------------------------------------------ the working fiber */

/* Until a batch has filled, or its time has come, or there is something else to do. */
static void gather(struct event_log *l, usec_t retry_at) WAITS {
    int r = 0;
    while (r == 0 && !l->stopping && !l->damaged) {
        usec_t until = l->check_at;
        if (retry_at > 0)
            until = retry_at;
        else if (l->writing.count > 0 || l->hurry || l->filling.count >= EVENT_LOG_BATCH_EVENTS)
            return;
        else if (l->filling.count > 0)
            until = MIN(until, l->filling_since + EVENT_LOG_WRITE_DELAY);
        if (fiber_now() >= until)
            return;
        r = fiber_cond_wait_until(&l->filled, until);
    }
    if (r == -ECANCELED)
        l->stopping = true;
}

static int write_some(struct event_log *l, struct problem *problem) WAITS {
    if (l->writing.count == 0) {
        struct batch empty = l->writing;
        l->writing = l->filling;
        l->filling = empty;
        l->hurry = false;
        l->syncing = l->sync;
        l->sync = false;
    }
    size_t count = l->writing.count;
    int r = write_batch(l, problem);
    l->tried = true;
    l->failing = r < 0;
    if (r == 0) {
        l->written += count;
        l->unchecked += l->writing.events.len;
        l->writing.count = 0;
        buf_clear(&l->writing.events);
        if (l->writing.events.size > EVENT_LOG_MEMORY_MAX / 8)
            buf_done(&l->writing.events);
        uint64_t lost = l->lost;
        l->lost = 0; /* before this is told, which may be lost itself */
        if (lost > 0)
            event_log_report(l, KIND_LOST,
                             "Events were not kept (%llu): they came faster than they can be"
                             " written.",
                             (unsigned long long)lost);
    }
    fiber_cond_wake_all(&l->stored);
    return r;
}

/* One step; the next one follows behind the next batch, or at once when nothing else is to do. */
static void prune(struct event_log *l, size_t written) WAITS {
    if (l->unchecked > l->options.size_max / 64)
        l->check_at = 0;
    if (!l->writer || fiber_now() < l->check_at)
        return;
    l->unchecked = 0;
    usec_t wall = fiber_wall();
    bool sure = even_clock_settled(&l->clock, fiber_now(), wall, l->options.keep);
    struct write_job job = {
        .log = l,
        .limits = {sure ? wall - l->options.keep : 0, wall, l->options.size_max},
        .step = MAX(l->options.step, 2 * written)};
    int r = offload(OFFLOAD_DISK, prune_job, &job);
    if (r == -E_CORRUPT)
        l->damaged = true;
    if (r != 1)
        l->check_at = fiber_now() + l->options.check_every;
}

void event_log_work(void *arg) {
    struct event_log *l = arg;
    struct problem said; /* write_batch() has told */
    usec_t retry_at = 0;
    MUST(l->magic == EVENT_LOG_MAGIC && !l->working && !l->over);
    l->working = true;
    l->clock = even_clock_begin(fiber_now(), fiber_wall());
    do {
        uint64_t before = l->written;
        int r = write_some(l, &said);
        retry_at = r < 0 ? fiber_now() + RETRY_AFTER : 0;
        if (r == 0)
            prune(l, (size_t)(l->written - before));
        gather(l, retry_at);
    } while (!l->stopping);
    while (l->filling.count + l->writing.count > 0 && write_some(l, &said) == 0)
        ;
    l->working = false;
    l->over = true;
    fiber_cond_wake_all(&l->stored);
    fiber_cond_wake_all(&l->ended);
}

int event_log_write_all(struct event_log *l, struct problem *problem) {
    struct problem cause = {0};
    int r = 0;
    MUST(l->magic == EVENT_LOG_MAGIC && !l->working && !l->over);
    while (r == 0 && l->filling.count + l->writing.count > 0) {
        l->sync = true;
        r = write_some(l, &cause);
    }
    if (r < 0 && cause.text[0] == '\0')
        (void)problem_set(&cause, r, N_("the event log cannot write now"));
    if (r < 0)
        *problem = cause;
    return r;
}

void event_log_stop(struct event_log *l) {
    l->stopping = true;
    fiber_cond_wake_all(&l->filled);
    fiber_cond_wake_all(&l->stored);
    while (!l->over && fiber_cond_wait(&l->ended) == 0)
        ;
}
