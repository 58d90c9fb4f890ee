/* SPDX-License-Identifier: ISC */
/* The store as a whole, and what an account holds. */
#include <errno.h>

#include "base/alloc.h"
#include "store/forget.h"

#define MEMORY         (64ULL << 20)
#define WRITERS        16U
#define UNDELETE_COUNT 100000U
#define LARGE_MESSAGES 4U  /* in memory at a time */
#define FILE_MESSAGES  64U /* those in files that are not large */

static void report(void *arg, uint64_t account, const char *text) {
    const struct store *s = arg;
    if (s->options.report)
        s->options.report(s->options.report_arg, account, text);
}

static int start(struct store *s, struct problem *problem) WAITS {
    struct backend_host host = {
        .describe = account_describe,
        .leap = account_leap,
        .report = report,
        .arg = s,
        .memory = &s->memory,
    };
    int error = s->options.backend(s->options.backend_options, &host, &s->backend, problem);
    if (error)
        return error;
    s->backend->ops->keep_keys(s->backend, s->options.undelete);
    error = fiber_start("store evictor", evictor_main, s, &s->evictor);
    if (!error)
        error = fiber_start("store rest", rest_main, s, &s->rest);
    if (!error)
        error = fiber_start("store forgets", forget_main, s, &s->forgets);
    if (!error)
        error = fiber_start("store mapper", mapper_main, s, &s->mapper);
    for (unsigned i = 0; !error && i < s->options.writers; i++) {
        error = fiber_start("store writer", writer_main, s, &s->writers[i]);
        s->writer_count += error == 0;
    }
    return error ? problem_set(problem, error, "%s", error_text(error)) : 0;
}

int store_open(const struct store_options *options, struct store **ret_store,
               struct problem *problem) {
    struct store *s = NEW(struct store);
    s->options = *options;
    s->options.memory = options->memory ? options->memory : MEMORY;
    store_set_undelete(s, options->undelete, options->undelete_bytes);
    s->options.undelete_count = options->undelete_count ? options->undelete_count : UNDELETE_COUNT;
    s->options.writers = options->writers ? options->writers : WRITERS;
    s->clock = even_clock_begin(fiber_now(), fiber_wall());
    shared_name_add(&s->shared, S("INBOX"));
    list_init(&s->idle);
    list_init(&s->loaded);
    list_init(&s->ready);
    list_init(&s->overfull);
    list_init(&s->unmapped);
    fiber_cond_init(&s->map_it);
    fiber_cond_init(&s->forgetful);
    fiber_cond_init(&s->settled);
    fiber_cond_init(&s->written);
    fiber_cond_init(&s->rested);
    fiber_cond_init(&s->crowded);
    fiber_gate_init(&s->large, LARGE_MESSAGES);
    fiber_gate_init(&s->files, FILE_MESSAGES);
    s->writers = mem_array(s->options.writers, sizeof(struct fiber *));
    int error = start(s, problem);
    if (error)
        store_close(s);
    else
        *ret_store = s;
    return error;
}

void store_close(struct store *s) {
    if (!s)
        return;
    s->closing = true;
    fiber_cond_wake_all(&s->forgetful);
    if (s->forgets)
        fiber_join(s->forgets);
    fiber_cond_wake_all(&s->map_it);
    if (s->mapper)
        fiber_join(s->mapper);
    fiber_cond_wake_all(&s->crowded);
    if (s->evictor)
        fiber_join(s->evictor);
    fiber_cond_wake_all(&s->rested);
    if (s->rest)
        fiber_join(s->rest);
    fiber_cond_wake_all(&s->written);
    for (unsigned i = 0; i < s->writer_count; i++)
        fiber_join(s->writers[i]);
    if (s->backend) {
        struct link *k;
        while ((k = list_first(&s->idle)))
            (void)account_evict(CONTAINER_OF(k, struct store_account, idle_link));
        MUST(s->accounts.count == 0);
        s->backend->ops->close(s->backend);
    }
    while (s->dropped.len > 0) {
        store_free_some(s);
        (void)fiber_yield();
    }
    heap_done(&s->resting);
    map_done(&s->accounts);
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&s->purged, &at));)
        free(e->value);
    map_done(&s->purged);
    fiber_turns_done(&s->turns);
    arena_done(&s->default_names);
    shared_names_done(&s->shared);
    free(s->writers);
    free(s);
}

void store_set_memory(struct store *s, uint64_t bytes) {
    s->options.memory = bytes ? bytes : MEMORY;
    store_look_for_room(s);
}

void store_set_undelete(struct store *s, usec_t undelete, uint64_t bytes) {
    bytes = bytes ? bytes : UINT64_MAX;
    s->keeps_less |= undelete < s->options.undelete || bytes < s->options.undelete_bytes;
    s->forgot_all &= undelete == 0;
    s->options.undelete = undelete;
    s->options.undelete_bytes = bytes;
    if (s->backend) /* by its key a message that was brought back is known */
        s->backend->ops->keep_keys(s->backend, undelete);
    if (s->keeps_less)
        fiber_cond_wake_all(&s->forgetful);
}

void store_set_undelete_room(struct store *s, uint64_t bytes) {
    s->options.undelete_room = bytes;
}

void store_set_min_free(struct store *s, uint64_t bytes) {
    s->backend->ops->set_min_free(s->backend, bytes);
}

void store_stats(const struct store *s, struct store_stats *ret) {
    struct backend_stats below;
    s->backend->ops->stats(s->backend, &below);
    *ret = s->stats;
    ret->handles = below.handles;
    ret->compacted = below.compacted;
    ret->failed_syncs = below.failed_syncs;
    ret->memory = (uint64_t)s->memory;
    LIST_EACH (c, &s->loaded, const struct mailbox_content, used_link)
        ret->messages += entries_count(c->entries);
}

/* ------------------------------------------------------------------ facts of an account */

uint64_t store_account_id(const struct store_account *a) {
    return a->id;
}

uint64_t store_account_modseq(const struct store_account *a) {
    return a->published;
}

int store_wait_change(struct store_account *a, uint64_t seen) {
    while (a->published <= seen) {
        int r = fiber_cond_wait(&a->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

void store_watch(struct store_account *a, struct store_watch *w) {
    list_append(&a->watches, &w->link);
}

void store_unwatch(struct store_watch *w) {
    link_remove(&w->link);
}

void store_account_usage(const struct store_account *a, struct store_usage *ret) {
    struct backend_usage below;
    a->below->backend->ops->usage(a->below, &below);
    *ret = (struct store_usage){a->messages, a->bytes, below.disk};
}

int store_usage(struct store *s, uint64_t id, struct store_usage *ret) {
    _cleanup_(store_account_close_p) struct store_account *a = NULL;
    *ret = (struct store_usage){0};
    if (!map_get(&s->accounts, map_u64(&id))) {
        int r = s->backend->ops->look(s->backend, id);
        if (r < 0)
            return r == -ENOENT ? 0 : r;
    }
    int r = account_open(s, id, false, &a); /* who asks tells it himself */
    if (r == 0)
        store_account_usage(a, ret);
    return r;
}

void store_report_usage(struct store *s) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&s->accounts, &at));)
        account_report_usage(e->value);
}

int store_lock_maildrop(struct store_account *a) {
    if (a->maildrop_locked)
        return -E_BUSY;
    a->maildrop_locked = true;
    return 0;
}

void store_unlock_maildrop(struct store_account *a) {
    MUST(a->maildrop_locked);
    a->maildrop_locked = false;
}

int store_compact(struct store_account *a) {
    return a->below->backend->ops->compact(a->below);
}

int store_purge(struct store *s, uint64_t id) {
    struct store_account *a = NULL;
    int r = account_take_out(s, id, &a);
    if (r < 0)
        return r;
    r = s->backend->ops->purge(s->backend, id);
    account_leave_out(a, r == 0);
    return r;
}
