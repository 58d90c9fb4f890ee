/* SPDX-License-Identifier: ISC */
/*
 * The calls that read, and those that wait for news. Who waits is known before the first look, so
 * that nothing falls between looking and waiting.
 */
#include <errno.h>

#include "base/words.h"

#include "journey/event_log_inside.h"

#define FIND_MAX 1000U

/* ------------------------------------------------------------------ reading */

typedef int read_fn(struct event_db *db, void *arg);

struct read_job {
    struct event_log *events;
    read_fn *fn;
    void *arg;
    struct problem *problem;
};

static int read_job(void *arg) {
    struct read_job *job = arg;
    struct event_log *l = job->events;
    int r = l->reader ? 0 : event_db_open(l->path, true, &l->reader, job->problem);
    if (r < 0)
        return r;
    l->reader->db->problem = job->problem;
    r = job->fn(l->reader, job->arg);
    l->reader->db->problem = NULL;
    return r;
}

int event_log_flush(struct event_log *l, struct problem *problem) {
    uint64_t added = l->added;
    while (!l->over && !l->stopping && !l->failing && (l->written < added || !l->tried)) {
        l->hurry = true;
        fiber_cond_wake_all(&l->filled);
        int r = fiber_cond_wait(&l->stored);
        if (r < 0)
            return problem_set(problem, r, N_("the event log did not answer in time"));
    }
    return 0;
}

static int run_read(struct event_log *l, read_fn *fn, void *arg, struct problem *problem) WAITS {
    struct read_job job = {l, fn, arg, problem};
    MUST(l->magic == EVENT_LOG_MAGIC);
    int r = fiber_cancelled() ? -ECANCELED : event_log_flush(l, problem);
    if (r == 0)
        r = fiber_mutex_lock(&l->reading);
    if (r < 0)
        return problem_set(problem, r, N_("the event log did not answer in time"));
    r = offload(OFFLOAD_DISK, read_job, &job);
    fiber_mutex_unlock(&l->reading);
    if (r == -E_CORRUPT) {
        l->damaged = true;
        fiber_cond_wake_all(&l->filled);
    }
    return r;
}

struct find_arg {
    struct event_log_search search;
    struct messages messages;
    bool more;
};

static int find_fn(struct event_db *db, void *arg) {
    struct find_arg *f = arg;
    return event_db_find(db, &f->search, &f->messages, &f->more);
}

int event_log_find(struct event_log *l, const struct event_log_search *search, unsigned limit,
                   struct arena *a, queue_id **ret, size_t *ret_count, struct problem *problem) {
    struct find_arg f = {.search = *search, .messages.max = MIN(MAX(limit, 1U), FIND_MAX)};
    int r;
    if (f.search.last == 0)
        f.search.last = INT64_MAX;
    f.messages.list = arena_array(a, f.messages.max, sizeof *f.messages.list);
    do
        r = run_read(l, find_fn, &f, problem);
    while (r == 0 && f.more && !l->stopping);
    if (r < 0)
        return r;
    *ret = f.messages.list;
    *ret_count = f.messages.count;
    return 0;
}

/* ------------------------------------------------------------------ reading and waiting */

struct events_arg {
    queue_id message; /* of a journey */
    uint64_t after, last;
    struct log_range range;
    struct page page;
};

static int journey_fn(struct event_db *db, void *arg) {
    struct events_arg *e = arg;
    int r = event_db_clamp(db, &e->after);
    return r < 0 ? r : event_db_journey(db, e->message, e->after, &e->page);
}

static int log_fn(struct event_db *db, void *arg) {
    struct events_arg *e = arg;
    int r = 0;
    if (e->last > 0 || (e->range.since > 0 && e->range.after == 0))
        r = event_db_log_last(db, e->last, &e->range, &e->range.after);
    e->last = 0;
    if (r == 0)
        r = event_db_clamp(db, &e->range.after);
    if (r == 0)
        r = event_db_log(db, &e->range, &e->page);
    return r;
}

/* Reads a page; a log that is searched for one role is read on until something is found. */
static int read_page(struct event_log *l, read_fn *fn, struct events_arg *e,
                     struct problem *problem) WAITS {
    int r;
    do
        r = run_read(l, fn, e, problem);
    while (r == 0 && e->page.count == 0 && e->range.more && !l->stopping);
    return r;
}

static int read_events(struct event_log *l, read_fn *fn, struct events_arg *e, usec_t wait,
                       struct arena *a, struct event_list *ret, struct problem *problem) WAITS {
    struct follower f = {.message = e->message};
    usec_t until = fiber_now() + MIN(MAX(wait, (usec_t)0), EVENT_LOG_WAIT_MAX);
    e->page = (struct page){.arena = a};
    e->page.events = arena_array(a, PAGE_EVENTS, sizeof *e->page.events);
    list_append(&l->followers, &f.link);
    int r = read_page(l, fn, e, problem);
    while (r == 0 && e->page.count == 0 && !l->stopping && fiber_now() < until) {
        /* until news came, the time is over, or the event log ends */
        int waited = 0;
        while (waited == 0 && !f.hit && !l->stopping)
            waited = fiber_cond_wait_until(&l->stored, until);
        if (!f.hit && waited == -ECANCELED)
            r = waited;
        if (!f.hit)
            break;
        f.hit = false;
        r = read_page(l, fn, e, problem);
    }
    link_remove(&f.link);
    if (r == 0)
        *ret = (struct event_list){e->page.events, e->page.count};
    return r;
}

int event_log_journey(struct event_log *l, queue_id message, uint64_t after, usec_t wait,
                      struct arena *a, struct event_list *ret, struct problem *problem) {
    struct events_arg e = {.message = message, .after = after};
    return read_events(l, journey_fn, &e, wait, a, ret, problem);
}

int event_log_read(struct event_log *l, const struct event_log_question *q, struct arena *a,
                   struct event_list *ret, struct problem *problem) {
    struct events_arg e = {
        .last = q->last,
        .range = {.after = q->after,
                  .role = q->role,
                  .since = q->since,
                  .until = q->until,
                  .words = q->words,
                  .word_count = MIN(q->word_count, (size_t)EVENT_LOG_WORDS_MAX)}};
    return read_events(l, log_fn, &e, q->wait, a, ret, problem);
}
