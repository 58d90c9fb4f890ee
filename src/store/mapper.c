/* SPDX-License-Identifier: ISC */
/*
 * The mapper: one fiber that makes the maps of new messages in accounts in which maps have been
 * asked for, or will be: where somebody reads by IMAP. Where nobody does, as with readers by POP3,
 * they would only cost time and space.
 *
 * To make and keep a map takes 10 to 20 µs among others, and 100 alone. So an account's turn comes
 * a moment after the first of its new messages; while messages keep coming, to this account or
 * another, the mapper stands back, but not for long, and not when many wait. The message is in the
 * page cache then. What does not get there (more are waiting than are noted, the account leaves
 * memory, the process ends) is made when somebody asks for it.
 */
#include <errno.h>

#include "base/alloc.h"
#include "store/account.h"

#define AFTER  (1500 * USEC_MS) /* the first */
#define QUIET  (200 * USEC_MS)  /* so long nothing has changed: nothing more is coming */
#define LATEST (10 * USEC_SEC)  /* after the first, whatever else comes */

/* When the account's turn comes, as it looks now. */
static usec_t turn_of(const struct unmapped *u) {
    const struct store *s = u->account->store;
    if (unmapped_count(&u->list) >= MAPPER_MANY)
        return 0;
    return MIN(MAX(u->since + AFTER, s->last_change + QUIET), u->since + LATEST);
}

/* All that wait at the moment. It need not be told to anybody: who asks for the map finds out. */
static void map_account(struct store_account *a) WAITS {
    _cleanup_(buf_done) struct buf list = a->unmapped->list, maps = {0};
    _cleanup_(free_p) struct store_piece *pieces = mem_array(STORE_MAPS_MAX, sizeof *pieces);
    const struct backend_mapped *all = (const void *)list.ptr;
    const size_t count = unmapped_count(&list);
    a->unmapped->list = (struct buf){0};
    unmapped_forget(a);
    account_pin(a);
    for (size_t done = 0; done < count && !a->store->closing;) {
        buf_clear(&maps);
        int n = maps_get(a, all + done, count - done, &maps, pieces);
        done += (size_t)MAX(n, 1);
        (void)fiber_yield();
    }
    a->store->memory -= (int64_t)list.len;
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
        const struct unmapped *u = CONTAINER_OF(k, const struct unmapped, link);
        if (turn_of(u) > fiber_now())
            (void)fiber_cond_wait_until(&s->map_it, turn_of(u));
        else if (u->account->state == ACCOUNT_READY)
            map_account(u->account);
        else
            unmapped_forget(u->account);
    }
}
