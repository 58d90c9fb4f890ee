/* SPDX-License-Identifier: ISC */
/*
 * When the changes of an account are written: at once, or in company.
 *
 * A sync costs more than all else that is done for a message. A patient delivery can wait for it,
 * since somebody else holds the message durably until the mailbox has it. So an account whose last
 * group began less than options.patience ago rests while all changes that wait are patient, and
 * then writes them with one sync. A first message rests for nobody.
 *
 * A rest ends at once when somebody waits: with a change that is not patient, or when a mailbox is
 * looked at (change_flush()). It also ends when the store has been given nothing for a while, since
 * then no company comes. Nothing is visible, and nothing was promised, before it is durable.
 */
#include "store/account.h"

#include <errno.h>

#define NO_COMPANY 10 /* a part of options.patience */

static void make_ready(struct store_account *a) {
    heap_remove(&a->store->resting, &a->rest);
    list_append(&a->store->ready, &a->ready_link);
    fiber_cond_wake_one(&a->store->written);
}

void rest_note_change(struct store_account *a, const struct change *c) {
    a->hurried += !c->patient;
    a->store->last_change = fiber_now();
    if (list_empty(&a->changes))
        a->rests_until = a->group_began + a->store->options.patience;
}

void rest_or_write(struct store_account *a) {
    struct store *s = a->store;
    if (a->writing || link_in_list(&a->ready_link) || list_empty(&a->changes))
        return;
    if (a->hurried > 0 || a->rests_until <= fiber_now()) {
        make_ready(a);
        return;
    }
    heap_remove(&s->resting, &a->rest);
    heap_add(&s->resting, &a->rest, a->rests_until);
    if (heap_first(&s->resting) == &a->rest)
        fiber_cond_wake_all(&s->rested);
}

void rest_main(void *arg) {
    struct store *s = arg;
    while (!s->closing) {
        struct heap_item *first = heap_first(&s->resting);
        usec_t until = USEC_NEVER;
        if (first)
            until = MIN(first->key, s->last_change + s->options.patience / NO_COMPANY);
        if (until <= fiber_now())
            make_ready(CONTAINER_OF(first, struct store_account, rest));
        else if (fiber_cond_wait_until(&s->rested, until) == -ECANCELED)
            return;
    }
}
