/* SPDX-License-Identifier: ISC */
/*
 * Removed messages go for good: one fiber looks after it. It visits accounts that have got too many
 * of them at once, and all accounts from time to time, slowly.
 *
 * What goes is always the oldest, so one place in the order of removals says all: it is a record,
 * and packs begin with it.
 */
#include "store/forget.h"

#include <errno.h>

#include "base/alloc.h"

#define PAGE         256U
#define FORGET_MAX   20000U /* in a record */
#define FIRST_VISIT  (10 * USEC_MIN)
#define VISITS_EVERY (6 * USEC_HOUR)
#define PAUSE        (20 * USEC_MS) /* between two accounts */

/* ------------------------------------------------------------------ how far */

/* Bodies with several removed entries: they are freed with the last of them. */
struct tally {
    uint64_t body;
    uint32_t seen;
};

struct forgetting {
    struct change change;
    usec_t before;
    uint64_t most; /* bytes that may stay */
    size_t count;
    struct record_forget record;
    struct map shared; /* struct tally, by body */
};

static void count_bytes(struct forgetting *v, const struct backend_deleted *d) {
    if (d->entries > 0)
        return;
    if (d->others > 1) {
        struct tally *t = map_get(&v->shared, map_u64(&d->body));
        if (!t) {
            t = NEW(struct tally);
            t->body = d->body;
            (void)map_put(&v->shared, map_u64(&t->body), t);
        }
        if (++t->seen < d->others)
            return;
    }
    v->record.bytes += d->size;
}

/* Takes a page in as far as it goes; whether all of it does. */
static bool take_page(const struct store_account *a, struct forgetting *v,
                      const struct backend_deleted *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool too_much = a->deleted_bytes - MIN(a->deleted_bytes, v->record.bytes) > v->most;
        if ((list[i].when >= v->before && !too_much) || v->count >= FORGET_MAX)
            return false;
        count_bytes(v, &list[i]);
        v->record.to = list[i].place;
        v->count++;
    }
    return true;
}

static int prepare_forget(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct forgetting *v = CONTAINER_OF(c, struct forgetting, change);
    _cleanup_(free_p) struct backend_deleted *list = mem_array(PAGE, sizeof *list);
    _cleanup_(buf_done) struct buf texts = {0};
    size_t count;
    int error;
    v->record.to = a->given.forgotten;
    do {
        buf_clear(&texts);
        error = a->below->backend->ops->deleted(a->below, v->record.to, list, PAGE, &texts, &count);
    } while (!error && take_page(a, v, list, count) && count == PAGE);
    if (!error && v->count > 0)
        group_add(g, RECORD_FORGET)->forget = v->record;
    return error;
}

static int forget(struct store_account *a, bool all) WAITS {
    const struct store_options *o = &a->store->options;
    struct forgetting v;
    int error;
    do {
        v = (struct forgetting){
            .change = {.prepare = prepare_forget, .reads = true},
            .before = all ? USEC_NEVER : fiber_wall() - o->undelete,
            .most = o->undelete_bytes,
        };
        error = change_run(a, &v.change);
        struct map_entry *e;
        for (size_t at = 0; (e = map_next(&v.shared, &at));)
            free(e->value);
        map_done(&v.shared);
    } while (!error && v.count == FORGET_MAX);
    return error;
}

/* ------------------------------------------------------------------ visits */

static void visit_crowded(struct store *s) WAITS {
    struct link *k;
    while (!s->closing && (k = list_pop(&s->overfull))) {
        struct store_account *a = CONTAINER_OF(k, struct store_account, overfull_link);
        account_pin(a);
        (void)forget(a, false);
        store_account_close(a);
    }
}

static void visit(struct store *s, uint64_t id) WAITS {
    struct store_account *a = NULL;
    const struct store_options *o = &s->options;
    bool all = s->needs_room;
    if (o->owns && !o->owns(o->owns_arg, id))
        return;
    if (account_open(s, id, false, &a) < 0)
        return;
    if (forget(a, all) == 0 && all)
        (void)a->below->backend->ops->compact(a->below);
    store_account_close(a);
    (void)fiber_sleep(PAUSE);
}

static void visit_all(struct store *s) WAITS {
    _cleanup_(buf_done) struct buf ids = {0};
    for (unsigned part = 0; part < BACKEND_PARTS; part++) {
        buf_clear(&ids);
        (void)s->backend->ops->accounts(s->backend, part, &ids);
        const uint64_t *list = (const void *)ids.ptr;
        for (size_t i = 0; i < ids.len / sizeof *list; i++) {
            visit_crowded(s);
            if (s->closing)
                return;
            visit(s, list[i]);
        }
    }
}

void forget_main(void *arg) {
    struct store *s = arg;
    usec_t next = fiber_now() + FIRST_VISIT;
    while (!s->closing && !fiber_cancelled()) {
        visit_crowded(s);
        if (s->needs_room || fiber_now() >= next) {
            if (s->remembers)
                visit_all(s);
            s->needs_room = false;
            next = fiber_now() + VISITS_EVERY;
        } else if (!s->closing) {
            (void)fiber_cond_wait_until(&s->forgetful, next);
        }
    }
}
