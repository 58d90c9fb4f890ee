/* SPDX-License-Identifier: ISC */
/* New messages that have no map yet: noted for mapper.c, where they are to have one. */
#include "base/alloc.h"
#include "store/account.h"

#define UNMAPPED_MAX ((size_t)4 * MAPPER_MANY) /* 192 KiB; the others are mapped when asked for */

void unmapped_forget(struct store_account *a) {
    struct unmapped *u = TAKE_PTR(a->unmapped);
    if (!u)
        return;
    a->store->memory -= (int64_t)(sizeof *u + u->list.len);
    link_remove(&u->link);
    buf_done(&u->list);
    free(u);
}

void map_later(struct store_account *a, const struct store_entry *e) {
    struct store *s = a->store;
    const struct backend_mapped new = {e->body, e->size, (usec_t)e->date};
    const size_t count = a->unmapped ? unmapped_count(&a->unmapped->list) : 0;
    if (count >= UNMAPPED_MAX || !a->below->backend->ops->wants_maps(a->below, a->expects_maps))
        return;
    struct unmapped *u = a->unmapped;
    if (!u) {
        u = a->unmapped = NEW(struct unmapped);
        u->account = a;
        u->since = fiber_now();
        list_append(&s->unmapped, &u->link);
        s->memory += (int64_t)sizeof *u;
    }
    buf_add_bytes(&u->list, &new, sizeof new);
    s->memory += (int64_t)sizeof new;
    if (count + 1 == MAPPER_MANY) {
        link_remove(&u->link);
        list_prepend(&s->unmapped, &u->link);
    }
    if (count == 0 || count + 1 == MAPPER_MANY)
        fiber_cond_wake_all(&s->map_it);
}
