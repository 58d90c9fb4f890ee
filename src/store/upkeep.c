/* SPDX-License-Identifier: ISC */
/*
 * The keeper: one fiber that does what can wait. It brings databases up to date, rewrites packs,
 * makes damaged databases anew, and puts accounts away that nobody has used for long.
 */
#include "store/account.h"

#include <errno.h>

#define REBUILD_PAUSE (10 * USEC_SEC)

void keeper_wake(struct store *s) {
    fiber_cond_wake_all(&s->keep);
}

void keeper_add(struct store_account *a, unsigned work) {
    a->work |= work;
    if (link_in_list(&a->work_link))
        return;
    list_append(&a->store->work, &a->work_link);
    keeper_wake(a->store);
}

void keeper_count_pending(struct store_account *a) {
    if (a->pending_count >= a->store->options.take_in_count && !a->db.owner)
        keeper_add(a, WORK_TAKE_IN);
    if (a->pending_count == 0 || link_in_list(&a->late_link))
        return;
    a->pending_since = fiber_now();
    bool first = list_empty(&a->store->late);
    list_append(&a->store->late, &a->late_link);
    if (first)
        keeper_wake(a->store);
}

/* ------------------------------------------------------------------ a database made anew */

struct rebuild_job {
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
    int error = replay_open(&j->where, true, &j->index, &j->result, &j->problem);
    if (!error)
        j->mark = index_mark(j->index);
    return error;
}

/* Numbers of messages that damage has taken are not given again. */
static void leap(struct store_account *a) {
    a->modseq += INDEX_LEAP;
    a->message_next += INDEX_LEAP;
    a->mailbox_next += INDEX_LEAP;
    for (size_t i = 0; i < a->box_count; i++)
        a->boxes[i]->info.uidnext += INDEX_LEAP;
}

/* Runs in the writer, alone: so that no record is half written while the packs are read. */
static int prepare_rebuild(struct store_account *a, struct change *c, struct group *g) {
    int error = fiber_mutex_lock(&a->db);
    if (error)
        return error;
    struct rebuild_job j = {.where = account_where(a), .index = TAKE_PTR(a->index)};
    error = offload(OFFLOAD_DISK, run_rebuild, &j);
    account_report(a, error ? slice_of_str(j.problem.text) : buf_slice(&j.result.said));
    if (error == 0) {
        a->index = j.index;
        a->mark = j.mark;
        log_records_free(&a->pending);
        a->pending_count = 0;
        link_remove(&a->late_link);
        if (j.result.damaged)
            leap(a);
    }
    replay_result_done(&j.result);
    fiber_mutex_unlock(&a->db);
    return error;
}

static void rebuild(struct store_account *a) {
    struct change c = {.prepare = prepare_rebuild, .alone = true};
    if (a->rebuilt) /* once in its time in memory: if it did not help, it never will */
        return;
    if (fiber_now() < a->rebuild_after)
        return;
    a->rebuild_after = fiber_now() + REBUILD_PAUSE;
    files_touch(a);
    a->rebuilt = change_run(a, &c) == 0;
}

/* ------------------------------------------------------------------ the fiber */

static void take_in(struct store_account *a) {
    int error = files_lock(a);
    if (error)
        return;
    error = files_take_in(a);
    files_unlock(a, error);
    if (error) {
        struct problem p;
        (void)problem_set(&p, 0, REPLAY_DB_NAME " cannot be written: %s", error_text(error));
        account_report(a, slice_of_str(p.text));
    }
}

static void do_work(struct store_account *a) {
    unsigned work = a->work;
    a->work = 0;
    account_pin(a);
    if (work & WORK_REBUILD)
        rebuild(a);
    if (work & WORK_TAKE_IN)
        take_in(a);
    if (work & WORK_COMPACT)
        (void)compact_account(a, false);
    store_account_close(a);
}

/* The next account with something to do, or NULL and when to look again. */
static struct store_account *next_work(struct store *s, usec_t *ret_when) {
    struct link *k = list_first(&s->late);
    if (k) {
        struct store_account *a = CONTAINER_OF(k, struct store_account, late_link);
        *ret_when = a->pending_since + s->options.take_in_after;
        if (*ret_when <= fiber_now()) {
            link_remove(&a->late_link);
            keeper_count_pending(a);
            keeper_add(a, WORK_TAKE_IN);
            *ret_when = fiber_now() + s->options.take_in_after;
        }
    }
    LIST_EACH (a, &s->work, struct store_account, work_link) {
        if (a->state != ACCOUNT_READY)
            continue;
        link_remove(&a->work_link);
        return a;
    }
    return NULL;
}

/* Nothing is to be done at once: what else is due, and until when to sleep. */
static void rest(struct store *s, usec_t when) {
    struct link *idle = list_first(&s->idle);
    if (s->idle_count > s->options.max_accounts &&
        account_put_away(CONTAINER_OF(idle, struct store_account, idle_link)) == 0)
        return;
    unsigned open = s->open_count;
    usec_t files = files_close_idle(s);
    if (s->open_count == open && !s->closing) /* otherwise it has waited, and more may be due */
        (void)fiber_cond_wait_until(&s->keep, MIN(when, files));
}

void keeper_main(void *arg) {
    struct store *s = arg;
    while (!s->closing && !fiber_cancelled()) {
        usec_t when = USEC_NEVER;
        struct store_account *a = next_work(s, &when);
        if (a)
            do_work(a);
        else
            rest(s, when);
    }
}
