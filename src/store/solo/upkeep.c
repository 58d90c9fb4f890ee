/* SPDX-License-Identifier: ISC */
/*
 * The keeper: one fiber that does what can wait. It brings databases up to date, rewrites packs,
 * makes damaged databases anew, and closes files that nobody uses.
 */
#include "store/solo/inside.h"

#include <errno.h>

#define REBUILD_PAUSE (10 * USEC_SEC)

/* ------------------------------------------------------------------ a database made anew */

struct rebuild_job {
    const char *dir;
    struct replay_where where;
    struct index *index; /* the damaged one first, then the new one */
    struct index_mark mark;
    struct replay_result result;
    struct problem problem;
};

static int run_rebuild(void *arg) {
    struct rebuild_job *j = arg;
    index_close(j->index);
    j->index = NULL;
    if (files_folder_has_gone(j->dir, &j->problem))
        return -EIO;
    int error = replay_open(&j->where, true, &j->index, &j->result, &j->problem);
    if (!error)
        j->mark = index_mark(j->index);
    return error;
}

/* The log is locked, so that no record is half written while the packs are read. */
static int rebuild_locked(struct solo_account *a) WAITS {
    int error = fiber_mutex_lock(&a->db);
    if (error)
        return error;
    struct rebuild_job j = {.dir = a->dir, .where = account_where(a), .index = TAKE_PTR(a->index)};
    error = offload(OFFLOAD_DISK, run_rebuild, &j);
    solo_report(a, error ? slice_of_str(j.problem.text) : buf_slice(&j.result.said));
    if (error == 0) {
        a->index = j.index;
        a->mark = j.mark;
        log_records_free(&a->pending);
        work_caught_up(a);
        a->behind = 0;
        places_forget(a);
        a->search_there = false;
        if (j.result.damaged)
            a->solo->host.leap(a->solo->host.arg, a->id, INDEX_LEAP);
    }
    replay_result_done(&j.result);
    fiber_mutex_unlock(&a->db);
    return error;
}

static void rebuild(struct solo_account *a) WAITS {
    if (a->rebuilt) /* once in its time in memory: if it did not help, it never will */
        return;
    if (fiber_now() < a->rebuild_after || fiber_mutex_lock(&a->log) < 0)
        return;
    a->rebuild_after = fiber_now() + REBUILD_PAUSE;
    files_touch(a);
    a->rebuilt = rebuild_locked(a) == 0;
    fiber_mutex_unlock(&a->log);
}

/* ------------------------------------------------------------------ the fiber */

static void take_in(struct solo_account *a) WAITS {
    int error = files_lock(a);
    if (error)
        return;
    error = files_take_in(a);
    files_unlock(a, error);
    if (error) {
        struct problem p;
        (void)problem_set(&p, 0,
                          REPLAY_DB_NAME " cannot be written: %s; nothing is lost, the packs have "
                                         "it all, and it is tried again each second",
                          error_text(error));
        solo_report(a, slice_of_str(p.text));
    }
}

static void do_work(struct solo_account *a) WAITS {
    unsigned work = a->work;
    a->work = 0;
    a->at_work = true;
    (void)fiber_yield(); /* whoever waits for what has brought the work comes first */
    if (work & WORK_REBUILD)
        rebuild(a);
    if (work & WORK_TAKE_IN)
        take_in(a);
    if (work & WORK_COMPACT)
        (void)compact_account(a, false);
    a->at_work = false;
    fiber_cond_wake_all(&a->solo->rested);
}

/* The next account with something to do, or NULL and when to look again. */
static struct solo_account *next_work(struct solo *s, usec_t *ret_when) {
    struct link *k = list_first(&s->late);
    if (k) {
        struct solo_account *a = CONTAINER_OF(k, struct solo_account, late_link);
        *ret_when = a->pending_since + s->options.take_in_after;
        if (*ret_when <= fiber_now()) {
            link_remove(&a->late_link);
            work_trails(a);
            work_add(a, WORK_TAKE_IN);
            *ret_when = fiber_now() + s->options.take_in_after;
        }
    }
    LIST_EACH (a, &s->work, struct solo_account, work_link) {
        if (!a->ready)
            continue;
        link_remove(&a->work_link);
        return a;
    }
    return NULL;
}

/* Nothing is to be done at once: what else is due, and until when to sleep. */
static void rest(struct solo *s, usec_t when) WAITS {
    unsigned open = s->open_count;
    usec_t files = files_close_idle(s);
    if (s->open_count == open && !s->closing) /* otherwise it has waited, and more may be due */
        (void)fiber_cond_wait_until(&s->keep, MIN(when, files));
}

void keeper_main(void *arg) {
    struct solo *s = arg;
    while (!s->closing && !fiber_cancelled()) {
        usec_t when = USEC_NEVER;
        struct solo_account *a = next_work(s, &when);
        if (a)
            do_work(a);
        else
            rest(s, when);
    }
}
