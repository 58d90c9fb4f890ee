/* SPDX-License-Identifier: ISC */
/*
 * The mapper: one fiber that makes the maps of new messages in accounts in which maps have been
 * asked for, or will be: where somebody reads by IMAP. Where nobody does, as with readers by POP3,
 * they would only cost time and space.
 *
 * To make and keep a map takes 10 to 20 µs among others, and 100 alone. So an account's turn comes
 * when it has MAPPER_BATCH new messages, or a moment after the first: then its files are still
 * open, and the message is in memory, from the delivery. What does not get there (the account
 * leaves memory, the process ends) is made when somebody asks for it.
 */
#include <errno.h>

#include "base/alloc.h"
#include "store/account.h"

#define AFTER (1500 * USEC_MS)

static bool is_full(const struct store_account *a) {
    return a->unmapped.len >= MAPPER_BATCH * sizeof(struct backend_mapped);
}

/* All that wait at the moment. It need not be told to anybody: who asks for the map finds out. */
static void map_account(struct store_account *a) WAITS {
    _cleanup_(buf_done) struct buf list = a->unmapped, maps = {0};
    _cleanup_(free_p) struct store_piece *pieces = mem_array(STORE_MAPS_MAX, sizeof *pieces);
    const struct backend_mapped *all = (const void *)list.ptr;
    size_t count = list.len / sizeof *all;
    a->unmapped = (struct buf){0};
    account_pin(a);
    for (size_t done = 0; done < count && !a->store->closing;) {
        buf_clear(&maps);
        int n = maps_get(a, all + done, count - done, &maps, pieces);
        done += (size_t)MAX(n, 1);
        (void)fiber_yield();
    }
    store_account_close(a);
}

void mapper_main(void *arg) {
    struct store *s = arg;
    while (!s->closing && !fiber_cancelled()) {
        struct link *k = list_first(&s->unmapped);
        if (!k) {
            (void)fiber_cond_wait(&s->map_it);
            continue;
        }
        struct store_account *a = CONTAINER_OF(k, struct store_account, map_link);
        if (!is_full(a) && a->unmapped_since + AFTER > fiber_now()) {
            (void)fiber_cond_wait_until(&s->map_it, a->unmapped_since + AFTER);
            continue;
        }
        link_remove(&a->map_link);
        if (a->state == ACCOUNT_READY)
            map_account(a);
        else
            buf_clear(&a->unmapped);
    }
}
