/* SPDX-License-Identifier: ISC */
/*
 * Removed messages go for good: one fiber looks after it. It visits accounts that have got too many
 * of them at once, and all accounts from time to time, slowly.
 *
 * What goes is always the oldest, so one place in the order of removals says all: it is a record,
 * and packs begin with it. How far that is, and what it frees, the backend is asked beforehand: it
 * may have much to take in before it can answer, and the changes of the account do not wait for
 * that. If something has been removed meanwhile it is asked again.
 */
#include "store/forget.h"

#include <errno.h>

#include "base/alloc.h"

#define PAGE         256U
#define FORGET_MAX   20000U /* in a record */
#define FIRST_VISIT  (10 * USEC_MIN)
#define VISITS_EVERY (6 * USEC_HOUR)
#define LOOK_EVERY   USEC_MIN        /* at the disk */
#define ROOM_PAUSE   (10 * USEC_MIN) /* the same, after it was too full */
#define PAUSE        (20 * USEC_MS)  /* between two accounts */
#define LOOKS        5U              /* then what is removed meanwhile waits */

/* ------------------------------------------------------------------ how far */

/* Bodies with several removed entries: they are freed with the last of them. */
struct tally {
    uint64_t body;
    uint32_t seen;
};

struct forgetting {
    struct change change;
    usec_t before, now;
    uint64_t most_bytes, most_count; /* that may stay */
    struct record_forget record;
    struct record_forget looked; /* at so far: it goes if what comes behind does */
    struct map shared;           /* struct tally, by body */
    uint64_t removals;           /* of the account, when that was looked at */
    bool insists, stale;         /* `stale`: there were others meanwhile, nothing was done */
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
    v->looked.bytes += d->size;
}

/*
 * Takes a page in as far as it goes; whether there may be more. What a clock has dated that was
 * ahead is at least as old as what was removed behind it.
 */
static bool take_page(const struct store_account *a, struct forgetting *v,
                      const struct backend_deleted *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool too_much = a->deleted_bytes - MIN(a->deleted_bytes, v->record.bytes) > v->most_bytes ||
                        a->deleted_count - MIN(a->deleted_count, v->looked.count) > v->most_count;
        bool goes = list[i].when < v->before || too_much;
        if ((!goes && list[i].when <= v->now) || v->looked.count >= FORGET_MAX)
            return false;
        count_bytes(v, &list[i]);
        v->looked.to = list[i].place;
        v->looked.count++;
        if (goes)
            v->record = v->looked;
    }
    return true;
}

/* How far it goes, as things are. */
static int look(struct store_account *a, struct forgetting *v) WAITS {
    _cleanup_(free_p) struct backend_deleted *list = mem_array(PAGE, sizeof *list);
    _cleanup_(buf_done) struct buf texts = {0};
    size_t count;
    int error;
    v->removals = a->removals;
    v->looked.to = a->given.forgotten;
    do {
        buf_clear(&texts);
        error = a->below->backend->ops->deleted(a->below, v->looked.to, list, PAGE, &texts, &count);
    } while (!error && take_page(a, v, list, count) && count == PAGE);
    return error;
}

static int prepare_forget(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct forgetting *v = CONTAINER_OF(c, struct forgetting, change);
    int error = v->insists ? look(a, v) : 0;
    v->stale = v->removals != a->removals;
    if (v->stale)
        return 0;
    if (!error && v->record.count > 0)
        group_add(g, RECORD_FORGET)->forget = v->record;
    return error;
}

static bool believes_clock(struct store *s) {
    return even_clock_settled(&s->clock, fiber_now(), fiber_wall(), s->options.undelete);
}

static void tell_room(struct store_account *a, uint64_t gone) {
    const struct store_options *o = &a->store->options;
    struct problem text;
    (void)problem_set(&text, 0,
                      "the disk is nearly full: deleted messages that could still be brought back "
                      "went for good (%llu)",
                      (unsigned long long)gone);
    if (o->report)
        o->report(o->report_arg, a->id, text.text);
}

/* One record, if there is something to forget; how many went. CHANGE_LATER: to be tried again. */
static int forget_some(struct store_account *a, bool all, bool insists, uint64_t *ret_count) WAITS {
    const struct store_options *o = &a->store->options;
    usec_t oldest = believes_clock(a->store) ? fiber_wall() - o->undelete : 0;
    struct forgetting v = {
        .change = {.prepare = prepare_forget, .reads = true},
        .before = all || o->undelete == 0 ? USEC_NEVER : oldest,
        .now = fiber_wall(),
        .most_bytes = o->undelete_bytes,
        .most_count = o->undelete_count,
        .insists = insists,
    };
    int error = insists ? 0 : look(a, &v);
    if (!error && (insists || v.record.count > 0))
        error = change_run(a, &v.change);
    *ret_count = error || v.stale ? 0 : v.record.count;
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&v.shared, &at));)
        free(e->value);
    map_done(&v.shared);
    return error ? error : v.stale ? CHANGE_LATER : 0;
}

/* `all`: since the disk has too little room. */
static int forget(struct store_account *a, bool all) WAITS {
    uint64_t gone = 0, count = 0;
    unsigned looks = 0;
    int result;
    do {
        result = forget_some(a, all, ++looks >= LOOKS, &count);
        gone += count;
        looks = result == 0 ? 0 : looks;
    } while (result == CHANGE_LATER || (result == 0 && count == FORGET_MAX));
    if (all && gone > 0)
        tell_room(a, gone);
    return result;
}

/* ------------------------------------------------------------------ visits */

static void visit_crowded(struct store *s) WAITS {
    struct link *k;
    while (!s->closing && (k = list_pop(&s->overfull))) {
        uint64_t id = CONTAINER_OF(k, struct store_account, overfull_link)->id;
        struct store_account *a;
        if (account_open(s, id, false, &a) < 0) /* it may be on its way out of memory */
            continue;
        (void)forget(a, false);
        store_account_close(a);
    }
}

static int visit(struct store *s, uint64_t id) WAITS {
    struct store_account *a = NULL;
    const struct store_options *o = &s->options;
    bool all = s->needs_room;
    if (o->owns && !o->owns(o->owns_arg, id))
        return 0;
    int error = account_open(s, id, false, &a);
    if (error)
        return error;
    error = forget(a, all);
    if (error == 0 && all)
        (void)a->below->backend->ops->compact(a->below);
    store_account_close(a);
    (void)fiber_sleep(PAUSE);
    return error;
}

/* Whether each was visited, and did as it should. */
static bool visit_all(struct store *s) WAITS {
    _cleanup_(buf_done) struct buf ids = {0};
    int error = 0;
    for (unsigned part = 0; part < BACKEND_PARTS; part++) {
        buf_clear(&ids);
        int unread = s->backend->ops->accounts(s->backend, part, &ids);
        error = error ? error : unread;
        const uint64_t *list = (const void *)ids.ptr;
        for (size_t i = 0; i < ids.len / sizeof *list; i++) {
            visit_crowded(s);
            if (s->closing)
                return false;
            int failed = visit(s, list[i]);
            error = error ? error : failed;
        }
    }
    return !error;
}

/* Nobody who sends a message shall wait for the disk because of what was deleted. */
static void look_at_disk(struct store *s, usec_t *look) WAITS {
    const struct store_options *o = &s->options;
    if (fiber_now() < *look)
        return;
    if (o->undelete > 0 && o->undelete_room > 0 &&
        s->backend->ops->free_bytes(s->backend) < o->undelete_room)
        s->needs_room = true;
    *look = fiber_now() + (s->needs_room ? ROOM_PAUSE : LOOK_EVERY);
}

/*
 * Where nothing is kept, one visit to all is enough: it takes what a store before this one has
 * kept. When less is to be kept, the next visit comes soon, but not at once: it may have been a
 * slip.
 */
void forget_main(void *arg) {
    struct store *s = arg;
    usec_t next = fiber_now() + FIRST_VISIT, look = fiber_now() + LOOK_EVERY;
    while (!s->closing && !fiber_cancelled()) {
        visit_crowded(s);
        look_at_disk(s, &look);
        if (s->keeps_less)
            next = MIN(next, fiber_now() + FIRST_VISIT);
        s->keeps_less = false;
        if (!s->needs_room && fiber_now() < next) {
            if (!s->closing && !list_first(&s->overfull))
                (void)fiber_cond_wait_until(&s->forgetful, MIN(next, look));
            continue;
        }
        if (!s->forgot_all) {
            bool all = visit_all(s);
            s->forgot_all = all && s->options.undelete == 0 && !s->keeps_less;
        }
        s->needs_room = false;
        next = fiber_now() + (believes_clock(s) ? VISITS_EVERY : EVEN_CLOCK_SETTLES);
    }
}
