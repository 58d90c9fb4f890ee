/* SPDX-License-Identifier: ISC */
/*
 * Asking, and the fiber. It works on one account after the other, in the order in which they are
 * due (follow.c).
 *
 * A reader has a handle of its own and waits for no batch. While a file is replaced or removed the
 * mutex keeps readers out.
 */
#include "search/indexes_inside.h"

#include <errno.h>
#include <time.h>

#include "base/alloc.h"

#define AFTER    (10 * USEC_SEC)
#define LEAST    200U
#define MANY     512U            /* new messages are worked on at once */
#define IDLE     (10 * USEC_SEC) /* then a reader is closed, and the account forgotten */
#define HITS_MAX 500000U /* of all that is asked at once: further questions are not narrowed */
#define PATIENCE (300 * USEC_MS) /* for all that is asked at once */

void search_indexes_arrived(void *arg, uint64_t account) {
    struct search_indexes *x = arg;
    struct account_index *k = account_index_find(x, account);
    k->arrivals++;
    if (k->arrivals == 1 || k->arrivals == MANY)
        account_index_want(k, fiber_now() + (k->arrivals == 1 ? x->options.after : 0));
}

/* ------------------------------------------------------------------ readers */

/* The reader that was used longest ago makes way, or those that nobody has used for a while do. */
static void close_some(struct search_indexes *x, usec_t used_before, unsigned down_to) WAITS {
    for (struct link *l = x->accounts.head.next; l != &x->accounts.head; l = l->next) {
        struct account_index *k = CONTAINER_OF(l, struct account_index, link);
        if (k->used >= used_before || x->readers < down_to)
            return;
        if (k->users > 0 || !k->reader)
            continue;
        k->users++;
        account_index_close_reader(k);
        k->users--;
    }
}

/* Accounts of which nobody wants anything: when to look again. */
static usec_t forget_some(struct search_indexes *x) WAITS {
    close_some(x, fiber_now() - IDLE, 0);
    LIST_EACH (k, &x->accounts, struct account_index, link) {
        if (k->used + IDLE > fiber_now())
            break;
        if (k->users == 0 && !k->reader && k->due.place == 0 && !k->spoiled && k->anew == ANEW_NOT)
            account_index_forget(k);
    }
    return list_empty(&x->accounts) ? USEC_NEVER : fiber_now() + IDLE;
}

struct open_job {
    const char *path;
    struct search_index *ix;
};

static int run_open(void *arg) {
    struct open_job *j = arg;
    return search_index_open(j->path, SEARCH_READ, &j->ix, NULL);
}

static int open_reader(struct account_index *k, struct store_account *a) WAITS {
    struct search_index_state state;
    if (k->reader)
        return 0;
    close_some(k->all, USEC_NEVER, SEARCH_READERS);
    struct open_job j = {.path = store_index_path(a)};
    int error = offload(OFFLOAD_SCAN, run_open, &j);
    if (error)
        return error;
    k->reader = j.ix;
    k->all->readers++;
    error = account_index_check(k->reader, a, &state);
    if (error)
        account_index_close_reader(k);
    return error;
}

/* ------------------------------------------------------------------ asking */

static usec_t clock_now(void) {
    struct timespec t;
    MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return t.tv_sec * USEC_SEC + t.tv_nsec / 1000;
}

struct ask_job {
    struct search_index *ix;
    struct search_asked *list;
    size_t count;
    struct search_index_state state;
};

static int run_ask(void *arg) {
    struct ask_job *j = arg;
    const usec_t until = clock_now() + PATIENCE;
    int error = search_index_state(j->ix, &j->state);
    for (size_t i = 0, hits = 0; !error && i < j->count; i++) {
        struct search_asked *asked = &j->list[i];
        usec_t now = clock_now();
        if (now < until)
            error =
                search_index_find(j->ix, asked->field, asked->needle, until - now, &asked->hits);
        hits += asked->hits.count;
        if (hits > HITS_MAX)
            search_hits_done(&asked->hits);
    }
    return error;
}

/* Not this time, or not with this file. */
static bool passes(int error) {
    return error == -E_BUSY || error == -ENOMEM || error == -ENOSPC || error == -ECANCELED ||
           error == -ETIMEDOUT;
}

static void ask_locked(struct account_index *k, struct store_account *a, struct search_asked *list,
                       size_t count) WAITS {
    struct ask_job j = {.list = list, .count = count};
    if (!store_has_index(a)) { /* it has gone with what it was made from */
        account_index_close_reader(k);
        account_index_want(k, fiber_now());
        return;
    }
    int error = open_reader(k, a);
    if (!error) {
        j.ix = k->reader;
        error = offload(OFFLOAD_SCAN, run_ask, &j);
    }
    if (error) {
        for (size_t i = 0; i < count; i++)
            search_hits_done(&list[i].hits);
        account_index_close_reader(k);
        k->spoiled |= !passes(error);
    }
    if (k->spoiled || j.state.up_to < store_last_body(a))
        account_index_want(k, fiber_now());
}

void search_indexes_ask(struct search_indexes *x, struct store_account *a,
                        struct search_asked *list, size_t count) {
    struct store_usage usage;
    for (size_t i = 0; i < count; i++)
        list[i].hits = (struct search_hits){0};
    store_account_usage(a, &usage);
    if (x->closing || !x->fiber || !store_index_path(a) ||
        (!store_has_index(a) && usage.messages < x->options.least))
        return;
    struct account_index *k = account_index_find(x, store_account_id(a));
    k->users++;
    if (!k->spoiled && fiber_mutex_lock(&k->lock) == 0) {
        ask_locked(k, a, list, MIN(count, SEARCH_ASKED_MAX));
        fiber_mutex_unlock(&k->lock);
    }
    k->users--;
}

/* ------------------------------------------------------------------ for a person */

int search_indexes_rebuild(struct search_indexes *x, struct store_account *a) {
    if (!store_index_path(a))
        return -ENOTSUP;
    struct account_index *k = account_index_find(x, store_account_id(a));
    k->anew = ANEW_ASKED;
    k->not_before = 0;
    account_index_want(k, fiber_now());
    return 0;
}

struct progress_job {
    const char *path;
    struct search_index_state state;
};

static int run_progress(void *arg) {
    struct progress_job *j = arg;
    struct search_index *ix = NULL;
    if (search_index_open(j->path, SEARCH_READ, &ix, NULL) == 0)
        (void)search_index_state(ix, &j->state);
    search_index_close(ix);
    return 0;
}

int search_indexes_progress(struct search_indexes *x, struct store_account *a,
                            struct search_progress *ret) {
    uint64_t id = store_account_id(a);
    const struct account_index *k = map_get(&x->by_id, map_u64(&id));
    const char *path = store_index_path(a);
    *ret = (struct search_progress){
        .there = store_has_index(a),
        .anew = k && k->anew != ANEW_NOT,
    };
    if (!path || (!ret->there && !ret->anew))
        return 0;
    _cleanup_(free_p) char *file = mem_printf("%s%s", path, ret->anew ? ".new" : "");
    struct progress_job j = {.path = file};
    (void)offload(OFFLOAD_DISK, run_progress, &j);
    return store_count_bodies(a, j.state.up_to, &ret->messages, &ret->left);
}

uint64_t search_indexes_left(const struct search_indexes *x) {
    uint64_t left = 0;
    LIST_EACH (k, &x->accounts, struct account_index, link)
        left += k->left + k->arrivals;
    return left;
}

/* ------------------------------------------------------------------ the whole */

static void main_of(void *arg) WAITS {
    struct search_indexes *x = arg;
    while (!x->closing && !fiber_cancelled()) {
        struct heap_item *first = heap_first(&x->due);
        if (!first || first->key > fiber_now()) {
            usec_t idle = forget_some(x);
            first = heap_first(&x->due);
            if (!x->closing && (!first || first->key > fiber_now()))
                (void)fiber_cond_wait_until(&x->work, MIN(idle, first ? first->key : USEC_NEVER));
            continue;
        }
        struct account_index *k = CONTAINER_OF(first, struct account_index, due);
        heap_remove(&x->due, first);
        k->users++;
        account_index_follow(k);
        k->users--;
        (void)fiber_yield();
    }
}

struct search_indexes *search_indexes_new(const struct search_indexes_options *options) {
    struct search_indexes *x = NEW(struct search_indexes);
    x->options = *options;
    x->options.after = options->after ? options->after : AFTER;
    x->options.least = options->least ? options->least : LEAST;
    list_init(&x->accounts);
    fiber_cond_init(&x->work);
    return x;
}

int search_indexes_start(struct search_indexes *x, struct store *s) {
    x->store = s;
    return fiber_start("search indexer", main_of, x, &x->fiber);
}

void search_indexes_stop(struct search_indexes *x) {
    x->closing = true;
    fiber_cond_wake_all(&x->work);
    if (x->fiber)
        fiber_join(TAKE_PTR(x->fiber));
    LIST_EACH (k, &x->accounts, struct account_index, link)
        account_index_close_reader(k);
}

void search_indexes_free(struct search_indexes *x) {
    struct link *l;
    if (!x)
        return;
    while ((l = list_first(&x->accounts)))
        account_index_forget(CONTAINER_OF(l, struct account_index, link));
    heap_done(&x->due);
    map_done(&x->by_id);
    free(x);
}
