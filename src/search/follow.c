/* SPDX-License-Identifier: ISC */
/*
 * Bringing the index of an account up to date. Small messages are read as many as make a batch, and
 * one trip to another thread cuts them into terms and writes these; a large one goes there in
 * parts. That thread is one that nobody waits for (OFFLOAD_LATER).
 *
 * Deliveries need processor and disk as well. So after a batch the fiber rests, the longer the more
 * messages have come to the store meanwhile: under load up to nine times as long as the batch took.
 *
 * An account's turn ends after a while, so that others get theirs; what it has is in the file. The
 * same goes for one that is made beside another: it is found by its name, also by the next process,
 * and takes its place when it has everything.
 */
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "search/indexes_inside.h"
#include "search/reading.h"

#define BATCH       500U
#define BATCH_BYTES (3U << 20)
#define TURN        (5 * USEC_SEC)
#define TIDYING     (2 * USEC_SEC)
#define LEFT_ALONE  (60 * USEC_SEC)
#define REST_EACH   (10 * USEC_MS) /* for a message that has come during a batch */
#define REST_MOST   9              /* times what the batch took */
#define SPARE       1000U          /* removed messages that an index may have in any case */

struct follower {
    struct account_index *k;
    struct store_account *a;
    char *path; /* of the index that is being made */
    struct search_index *ix;
    struct search_index_state state;
    struct search_document document;
    struct search_reading *reading;
    struct store_body *bodies;
    struct store_piece *pieces;
    size_t count; /* of bodies that were listed */
    struct buf bytes;
    usec_t until; /* the end of its turn */
    struct problem problem;
};

static void follower_free(struct follower *f) {
    store_account_close(f->a);
    search_reading_free(f->reading);
    search_document_done(&f->document);
    buf_done(&f->bytes);
    free(f->bodies);
    free(f->pieces);
    free(f->path);
    free(f);
}
DEFINE_CLEANUP(struct follower, follower_free)

/* ------------------------------------------------------------------ small messages */

#define UNREADABLE SIZE_MAX /* place of a piece: the index has to know that it does not know it */

struct add_job {
    struct follower *f;
    const struct store_body *bodies;
    size_t count;
};

static int add_one(struct follower *f, const struct store_body *b, struct store_piece piece) {
    if (piece.at == UNREADABLE)
        return search_index_add(f->ix, b->number, b->sum, NULL);
    search_document_clear(&f->document);
    search_reading_feed(f->reading, slice_of(f->bytes.ptr + piece.at, piece.len));
    search_reading_end(f->reading);
    return search_index_add(f->ix, b->number, b->sum, &f->document);
}

static int run_add(void *arg) {
    struct add_job *j = arg;
    struct follower *f = j->f;
    int error = search_index_begin(f->ix);
    if (error)
        return error;
    for (size_t i = 0; !error && i < j->count; i++)
        error = add_one(f, &j->bodies[i], f->pieces[i]);
    return search_index_end(f->ix, error);
}

/* Gone, or damaged: nobody finds anything in it, unless it can be read again. */
static bool is_unreadable(int error) {
    return error == -E_UNKNOWN || error == -E_CORRUPT;
}

/* Reads the first small ones from a place on; how many, or an error. */
static int read_small(struct follower *f, size_t at) WAITS {
    size_t small = at, n = 0;
    while (small < f->count && f->bodies[small].size <= STORE_SPAN_MAX)
        small++;
    buf_clear(&f->bytes);
    while (at + n < small && f->bytes.len < BATCH_BYTES) {
        int read =
            store_read_bodies(f->a, &f->bodies[at + n], small - at - n, &f->bytes, &f->pieces[n]);
        if (is_unreadable(read)) {
            f->pieces[n] = (struct store_piece){.at = UNREADABLE};
            read = 1;
        }
        if (read < 0)
            return n > 0 ? (int)n : read;
        n += (size_t)read;
        (void)fiber_yield();
    }
    return (int)n;
}

/* ------------------------------------------------------------------ a large one */

struct part_job {
    struct follower *f;
    struct slice bytes;
};

static int run_part(void *arg) {
    struct part_job *j = arg;
    search_reading_feed(j->f->reading, j->bytes);
    return 0;
}

struct large_job {
    struct follower *f;
    const struct store_body *body;
    bool unreadable;
};

static int run_large(void *arg) {
    struct large_job *j = arg;
    struct follower *f = j->f;
    search_reading_end(f->reading);
    int error = search_index_begin(f->ix);
    if (error)
        return error;
    error =
        search_index_add(f->ix, j->body->number, j->body->sum, j->unreadable ? NULL : &f->document);
    return search_index_end(f->ix, error);
}

static int add_large(struct follower *f, const struct store_body *b) WAITS {
    struct large_job large = {.f = f, .body = b};
    buf_clear(&f->bytes);
    buf_reserve(&f->bytes, STORE_SPAN_MAX);
    search_document_clear(&f->document);
    for (uint64_t at = 0; at < b->size && !large.unreadable && !f->document.is_full;) {
        size_t len = (size_t)MIN(b->size - at, (uint64_t)STORE_SPAN_MAX);
        int error = store_read_body(f->a, b, at, f->bytes.ptr, len);
        large.unreadable = is_unreadable(error);
        if (error && !large.unreadable) {
            search_reading_end(f->reading);
            return error;
        }
        struct part_job job = {f, slice_of(f->bytes.ptr, large.unreadable ? 0 : len)};
        (void)offload(OFFLOAD_LATER, run_part, &job);
        at += len;
    }
    return offload(OFFLOAD_LATER, run_large, &large);
}

/* ------------------------------------------------------------------ batches */

static uint64_t delivered(const struct follower *f) {
    struct store_stats stats;
    store_stats(f->k->all->store, &stats);
    return stats.delivered;
}

static bool goes_on(const struct follower *f) {
    return !f->k->all->closing && !fiber_cancelled() && f->k->anew != ANEW_ASKED &&
           fiber_now() < f->until;
}

static void rest(const struct follower *f, usec_t since, uint64_t before) WAITS {
    usec_t took = fiber_now() - since;
    uint64_t came = delivered(f) - before;
    usec_t until = fiber_now() + MIN(REST_MOST * took, (usec_t)(MIN(came, 1000U) * REST_EACH));
    while (fiber_now() < until && !f->k->all->closing)
        if (fiber_cond_wait_until(&f->k->all->work, until) == -ECANCELED)
            return;
}

static int add_listed(struct follower *f) WAITS {
    int n = 0;
    for (size_t at = 0; at < f->count && goes_on(f); at += (size_t)n) {
        const usec_t since = fiber_now();
        const uint64_t before = delivered(f);
        const struct store_body *first = &f->bodies[at];
        bool large = first->size > STORE_SPAN_MAX;
        n = large ? 1 : read_small(f, at);
        if (n < 0)
            return n;
        struct add_job job = {f, first, (size_t)n};
        int error = large ? add_large(f, first) : offload(OFFLOAD_LATER, run_add, &job);
        if (error)
            return error;
        f->state.up_to = f->bodies[at + (size_t)n - 1].number;
        f->state.documents += (uint64_t)n;
        f->k->left -= MIN((uint64_t)n, f->k->left);
        rest(f, since, before);
    }
    return 0;
}

/* Few numbers are few messages; of many most may have been removed. */
static int count_left(struct follower *f) WAITS {
    struct account_index *k = f->k;
    uint64_t there;
    k->arrivals = 0;
    k->left = store_last_body(f->a) - f->state.up_to;
    return k->left > BATCH ? store_count_bodies(f->a, f->state.up_to, &there, &k->left) : 0;
}

static int add_all(struct follower *f) WAITS {
    int error = count_left(f);
    f->count = 1;
    while (!error && f->count > 0 && goes_on(f)) {
        f->k->left += f->k->arrivals;
        f->k->arrivals = 0;
        error = store_room_for_index(f->a);
        if (!error)
            error = store_bodies(f->a, f->state.up_to, f->bodies, BATCH, &f->count);
        if (!error)
            error = add_listed(f);
    }
    return error;
}

static int run_tidy(void *arg) {
    return search_index_tidy(arg);
}

static int tidy(struct follower *f) WAITS {
    const usec_t until = fiber_now() + TIDYING;
    int more = 1;
    while (more == 1 && goes_on(f) && fiber_now() < until)
        more = offload(OFFLOAD_LATER, run_tidy, f->ix);
    return MIN(more, 0);
}

/* ------------------------------------------------------------------ the file */

struct file_job {
    const char *path, *fresh;
    struct search_index *ix;
    struct problem *problem;
    bool is_begun; /* there is one beside it */
};

static int run_open(void *arg) {
    struct file_job *j = arg;
    return search_index_open(j->path, SEARCH_WRITE, &j->ix, j->problem);
}

static int run_close(void *arg) {
    search_index_close(arg);
    return 0;
}

static int run_discard(void *arg) {
    return search_index_discard(arg);
}

static int run_look(void *arg) {
    struct file_job *j = arg;
    j->is_begun = access(j->fresh, F_OK) == 0;
    return 0;
}

static int run_replace(void *arg) {
    struct file_job *j = arg;
    return search_index_replace(j->path, j->fresh);
}

static void close_writer(struct follower *f) WAITS {
    if (f->ix)
        (void)offload(OFFLOAD_LATER, run_close, TAKE_PTR(f->ix));
}

/* Which one is to be worked on: the index, or one that is to take its place. */
static void choose(struct follower *f) WAITS {
    struct account_index *k = f->k;
    const char *path = store_index_path(f->a);
    _cleanup_(free_p) char *fresh = mem_printf("%s.new", path);
    struct file_job j = {.path = path, .fresh = fresh};
    if (k->anew == ANEW_ASKED) {
        (void)offload(OFFLOAD_LATER, run_discard, fresh);
        k->anew = store_has_index(f->a) && !k->spoiled ? ANEW_BEGUN : ANEW_NOT;
    } else if (k->anew == ANEW_NOT && store_has_index(f->a)) {
        (void)offload(OFFLOAD_LATER, run_look, &j);
        k->anew = j.is_begun ? ANEW_BEGUN : ANEW_NOT;
    }
    f->path = k->anew == ANEW_BEGUN ? TAKE_PTR(fresh) : mem_str(slice_of_str(path));
}

/* Readers are kept out meanwhile. */
static int change_files(struct follower *f, int (*run)(void *arg), void *arg) WAITS {
    int error = fiber_mutex_lock(&f->k->lock);
    if (error)
        return error;
    account_index_close_reader(f->k);
    error = offload(OFFLOAD_LATER, run, arg);
    fiber_mutex_unlock(&f->k->lock);
    return error;
}

/* One that is spoiled, or of other messages, makes way for an empty one. */
static int open_writer(struct follower *f) WAITS {
    int error = 0;
    for (unsigned tries = 0; tries < 2; tries++) {
        struct file_job j = {.path = f->path, .problem = &f->problem};
        error = offload(OFFLOAD_LATER, run_open, &j);
        f->ix = j.ix;
        if (error)
            return error;
        error = account_index_check(f->ix, f->a, &f->state);
        if (error != -E_CORRUPT)
            break;
        close_writer(f);
        (void)change_files(f, run_discard, f->path);
    }
    if (error)
        (void)problem_set(&f->problem, error, "%s", error_text(error));
    else if (f->k->anew != ANEW_BEGUN)
        store_note_index(f->a, true);
    return error;
}

static int discard_spoiled(struct follower *f) WAITS {
    _cleanup_(free_p) char *path = mem_str(slice_of_str(store_index_path(f->a)));
    account_index_tell(f->k, "search.db is removed, and made anew from the messages",
                       "it is damaged, or of other messages");
    int error = change_files(f, run_discard, path);
    if (!error) {
        f->k->spoiled = false;
        store_note_index(f->a, false);
    }
    return error;
}

/* It has everything: the one beside takes the place; one that is mostly of removed messages is to
 * be made anew. */
static int conclude(struct follower *f) WAITS {
    struct account_index *k = f->k;
    struct store_usage usage;
    if (k->anew == ANEW_BEGUN) {
        close_writer(f);
        struct file_job j = {.path = store_index_path(f->a), .fresh = f->path};
        int error = change_files(f, run_replace, &j);
        k->anew = error ? k->anew : ANEW_NOT;
        return error;
    }
    store_account_usage(f->a, &usage);
    if (f->state.documents > 2 * usage.messages + SPARE) {
        k->anew = ANEW_ASKED;
        account_index_want(k, fiber_now());
    }
    return 0;
}

/* ------------------------------------------------------------------ a turn */

static void failed(struct follower *f, int error) {
    struct account_index *k = f->k;
    if (k->all->closing || error == -ECANCELED)
        return;
    k->spoiled |= error == -E_CORRUPT && k->anew != ANEW_BEGUN;
    if (k->anew == ANEW_BEGUN && error == -E_CORRUPT)
        k->anew = ANEW_ASKED;
    k->not_before = fiber_now() + LEFT_ALONE;
    account_index_want(k, k->not_before);
    account_index_tell(k, "search.db cannot be written for now, so searching takes longer",
                       f->problem.text);
}

static int take_turn(struct follower *f) WAITS {
    int error = f->k->spoiled ? discard_spoiled(f) : 0;
    if (error)
        return problem_set(&f->problem, error, "%s", error_text(error));
    choose(f);
    error = open_writer(f);
    if (error)
        return error;
    f->reading = search_reading_new(&f->document);
    f->bodies = mem_array(BATCH, sizeof *f->bodies);
    f->pieces = mem_array(BATCH + STORE_READ_MAX, sizeof *f->pieces);
    error = add_all(f);
    const bool whole = !error && f->count == 0;
    if (whole)
        f->k->left = 0;
    if (whole)
        error = tidy(f);
    if (whole && !error)
        error = conclude(f);
    else if (!error)
        account_index_want(f->k, fiber_now());
    return error ? problem_set(&f->problem, error, "%s", error_text(error)) : 0;
}

void account_index_follow(struct account_index *k) {
    _cleanup_(follower_free_p) struct follower *f = NEW(struct follower);
    f->k = k;
    f->until = fiber_now() + TURN;
    int error = store_account_open(k->all->store, k->id, &f->a);
    if (error == -E_PERMANENT) /* it was purged */
        return;
    if (error)
        (void)problem_set(&f->problem, error, "%s", error_text(error));
    else if (store_index_path(f->a))
        error = take_turn(f);
    close_writer(f);
    if (error)
        failed(f, error);
}
