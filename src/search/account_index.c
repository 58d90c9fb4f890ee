/* SPDX-License-Identifier: ISC */
/*
 * Accounts whose indexes are used: one is here from when it is asked, or a message comes to it,
 * until nobody has used it for a while.
 */
#include "base/alloc.h"
#include "search/indexes_inside.h"

#define TOLD_AGAIN (10 * USEC_MIN)

struct account_index *account_index_find(struct search_indexes *x, uint64_t id) {
    struct account_index *k = map_get(&x->by_id, map_u64(&id));
    if (!k) {
        k = NEW(struct account_index);
        k->all = x;
        k->id = id;
        fiber_mutex_init(&k->lock);
        (void)map_put(&x->by_id, map_u64(&k->id), k);
    }
    link_remove(&k->link);
    list_append(&x->accounts, &k->link);
    k->used = fiber_now();
    return k;
}

void account_index_forget(struct account_index *k) {
    MUST(k->users == 0 && !k->reader);
    heap_remove(&k->all->due, &k->due);
    link_remove(&k->link);
    (void)map_remove(&k->all->by_id, map_u64(&k->id));
    free(k);
}

void account_index_want(struct account_index *k, usec_t when) {
    struct search_indexes *x = k->all;
    when = MAX(when, k->not_before);
    if (k->due.place > 0 && k->due.key <= when)
        return;
    heap_remove(&x->due, &k->due);
    heap_add(&x->due, &k->due, when);
    if (heap_first(&x->due) == &k->due)
        fiber_cond_wake_all(&x->work);
}

void account_index_tell(struct account_index *k, const char *what, const char *why) {
    struct search_indexes *x = k->all;
    struct problem text;
    if (!x->options.report || (x->told > 0 && fiber_now() < x->told + TOLD_AGAIN))
        return;
    x->told = fiber_now();
    (void)problem_set(&text, 0, "%s: %s", what, why);
    x->options.report(x->options.report_arg, k->id, text.text);
}

static int run_close(void *arg) {
    search_index_close(arg);
    return 0;
}

void account_index_close_reader(struct account_index *k) {
    struct search_index *ix = TAKE_PTR(k->reader);
    if (!ix)
        return;
    k->all->readers--;
    (void)offload(OFFLOAD_SCAN, run_close, ix);
}

struct check_job {
    struct search_index *ix;
    struct search_index_state state;
    uint64_t body;
    uint32_t sum;
};

static int run_state(void *arg) {
    struct check_job *j = arg;
    return search_index_state(j->ix, &j->state);
}

static int run_sum(void *arg) {
    struct check_job *j = arg;
    return search_index_sum(j->ix, j->body, &j->sum);
}

int account_index_check(struct search_index *ix, struct store_account *a,
                        struct search_index_state *ret) {
    struct check_job j = {.ix = ix};
    struct store_body newest;
    int error = offload(OFFLOAD_SCAN, run_state, &j);
    if (error)
        return error;
    *ret = j.state;
    if (j.state.up_to > store_last_body(a))
        return -E_CORRUPT;
    error = store_newest_body(a, j.state.up_to, &newest);
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    j.body = newest.number;
    error = offload(OFFLOAD_SCAN, run_sum, &j);
    return error == -E_UNKNOWN || (!error && j.sum != newest.sum) ? -E_CORRUPT : error;
}
