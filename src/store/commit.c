/* SPDX-License-Identifier: ISC */
/*
 * Group commit.
 *
 * A fiber hands over a change and waits. A writer (one of a few fibers of the store) takes the
 * account, lets each waiting change prepare its records, has the backend make them durable
 * together, and then makes them visible and wakes everybody. Changes that come meanwhile are the
 * next group. So an account has one writer at a time, records lie in the order of their MODSEQ, and
 * nothing is seen before it is durable. When a group is begun, rest.c decides.
 *
 * Numbers (UID, MODSEQ, body) are given out while preparing and never taken back: a group that
 * fails leaves gaps.
 *
 * A change that is prepared from what is visible, such as the flags of messages, must see what the
 * one before it did: so a group has one of that kind.
 */
#include "store/account.h"

#include <errno.h>

#include "base/alloc.h"

#define GROUP_CHANGES 256U
#define GROUP_BYTES   (8U << 20)

/* ------------------------------------------------------------------ for prepare */

struct store_record *group_add(struct group *g, enum record_type type) {
    struct store_record *r = ARENA_NEW(&g->arena, struct store_record);
    r->type = type;
    list_append(&g->records, &r->link);
    return r;
}

bool group_has(const struct group *g, bool (*is)(const struct change *c, const void *arg),
               const void *arg) {
    LIST_EACH (c, &g->changes, const struct change, link) {
        if (is(c, arg))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ a group */

static void finish_change(struct change *c, int result) {
    c->result = result;
    c->state = CHANGE_DONE;
    fiber_cond_wake_all(&c->done);
}

static struct change *next_change(struct group *g) {
    struct link *k = list_first(&g->account->changes);
    struct change *c = k ? CONTAINER_OF(k, struct change, link) : NULL;
    if (!c || g->count >= GROUP_CHANGES || g->bytes >= GROUP_BYTES || (c->reads && g->reads))
        return NULL;
    link_remove(k);
    g->account->hurried -= !c->patient;
    c->state = CHANGE_WRITING;
    return c;
}

static void prepare_group(struct group *g) WAITS {
    struct store_account *a = g->account;
    struct change *c;
    while ((c = next_change(g))) {
        struct link *last = g->records.head.prev;
        const uint64_t bytes = g->bytes;
        int r = c->prepare(a, c, g);
        if (r == CHANGE_LATER) {
            MUST(g->count > 0);
            c->state = CHANGE_WAITING;
            a->hurried += !c->patient;
            list_prepend(&a->changes, &c->link);
            return;
        }
        if (r < 0) {
            while (g->records.head.prev != last) /* of many pieces, of which one has failed */
                link_remove(g->records.head.prev);
            g->bytes = bytes;
            finish_change(c, r);
            continue;
        }
        list_append(&g->changes, &c->link);
        g->count++;
        g->reads |= c->reads;
        (void)fiber_yield_if_long();
    }
}

/* What each pack begins with. */
static bool is_of_head(const struct store_record *r) {
    return r->type == RECORD_MAILBOX || r->type == RECORD_REMOVE || r->type == RECORD_FORGET;
}

/*
 * A pack that is begun before all is visible lies behind this group, and begins with what is
 * visible: so that comes first, before anyone else runs. No other record of a group depends on it.
 */
static void publish_group(struct group *g) WAITS {
    struct store_account *a = g->account;
    a->publishing = true;
    LIST_EACH (r, &g->records, const struct store_record, link)
        if (is_of_head(r))
            account_publish(a, r);
    LIST_EACH (r, &g->records, const struct store_record, link) {
        if (!is_of_head(r))
            account_publish(a, r);
        (void)fiber_yield_if_long();
    }
    a->publishing = false;
    LIST_EACH (r, &g->records, const struct store_record, link)
        account_publish_modseq(a, r);
    a->store->stats.groups++;
    account_report_usage(a);
    account_changed(a);
    store_look_for_room(a->store);
}

static int free_records(void *arg) {
    arena_done(arg);
    return 0;
}

static void write_account(struct group *g, struct store_account *a) WAITS {
    struct link *k;
    g->account = a;
    g->count = 0;
    g->bytes = 0;
    g->reads = false;
    list_init(&g->changes);
    list_init(&g->records);
    prepare_group(g);
    int error = 0;
    if (!list_empty(&g->records))
        error = a->below->backend->ops->commit(a->below, &g->records);
    if (!error && !list_empty(&g->records))
        publish_group(g);
    account_tidy(a);
    while ((k = list_pop(&g->changes)))
        finish_change(CONTAINER_OF(k, struct change, link), error);
    if (g->arena.total > ARENA_LARGE) /* takes milliseconds */
        (void)offload(OFFLOAD_DISK, free_records, &g->arena);
    else
        arena_reset(&g->arena);
}

/* ------------------------------------------------------------------ fibers */

void writer_main(void *arg) {
    struct store *s = arg;
    struct group g = {0};
    for (;;) {
        struct link *k = list_pop(&s->ready);
        if (!k) {
            if (s->closing || fiber_cond_wait(&s->written) < 0)
                break;
            continue;
        }
        struct store_account *a = CONTAINER_OF(k, struct store_account, ready_link);
        account_pin(a);
        a->writing = true;
        a->group_began = fiber_now();
        if (!list_empty(&a->changes))
            write_account(&g, a);
        a->writing = false;
        rest_or_write(a);
        store_account_close(a);
    }
    arena_done(&g.arena);
}

static int nap(void *arg) {
    (void)usleep(1000);
    return 0;
}

/*
 * A cancelled fiber, or one whose deadline has passed, may take its change back as long as no
 * writer has it. Then it has to wait, since the writer uses its memory; every wait would return at
 * once, so it naps in another thread.
 */
int change_run(struct store_account *a, struct change *c) {
    fiber_cond_init(&c->done);
    c->state = CHANGE_WAITING;
    rest_note_change(a, c);
    list_append(&a->changes, &c->link);
    rest_or_write(a);
    while (c->state != CHANGE_DONE) {
        int r = fiber_cond_wait(&c->done);
        if (r < 0 && c->state == CHANGE_WAITING) {
            link_remove(&c->link);
            a->hurried -= !c->patient;
            if (list_empty(&a->changes)) {
                link_remove(&a->ready_link);
                heap_remove(&a->store->resting, &a->rest);
            }
            return r;
        }
        if (r < 0 && c->state == CHANGE_WRITING)
            (void)offload(OFFLOAD_DISK, nap, NULL);
    }
    return c->result;
}

static int prepare_nothing(struct store_account *a, struct change *c, struct group *g) {
    return 0;
}

void change_flush(struct store_account *a) {
    struct change c = {.prepare = prepare_nothing};
    if (a->writing || !list_empty(&a->changes))
        (void)change_run(a, &c);
}
