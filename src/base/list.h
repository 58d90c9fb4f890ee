/* SPDX-License-Identifier: ISC */
/*
 * Intrusive doubly linked lists. A `struct list` is a head; each member embeds a `struct link`, one
 * for each list in which it can be at a time, and CONTAINER_OF() leads back to it.
 *
 * A zeroed link is in no list; a head is initialised by list_init(). The list owns nothing and
 * allocates nothing: who frees a member takes it out first. Neither a head with members nor a
 * member may be moved or copied. All but list_move_all() take the same time, however long the list.
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

struct link {
    struct link *prev, *next;
};

struct list {
    struct link head;
};

static inline void list_init(struct list *l) {
    l->head.prev = l->head.next = &l->head;
}
static inline bool list_empty(const struct list *l) {
    return l->head.next == &l->head;
}
static inline bool link_in_list(const struct link *k) {
    return k->next != NULL;
}
/* `k` is in no list; `at` is a member, or a head: then `k` becomes the last. */
static inline void link_insert_before(struct link *at, struct link *k) {
    k->prev = at->prev;
    k->next = at;
    at->prev->next = k;
    at->prev = k;
}
static inline void list_append(struct list *l, struct link *k) {
    link_insert_before(&l->head, k);
}
static inline void list_prepend(struct list *l, struct link *k) {
    link_insert_before(l->head.next, k);
}
/* Takes a member out; one that is in no list stays so. */
static inline void link_remove(struct link *k) {
    if (!k->next)
        return;
    k->prev->next = k->next;
    k->next->prev = k->prev;
    k->prev = k->next = NULL;
}
/* First member, or NULL. */
static inline struct link *list_first(const struct list *l) {
    return list_empty(l) ? NULL : l->head.next;
}
/* Takes the first member out; NULL: there is none. */
static inline struct link *list_pop(struct list *l) {
    struct link *k = list_first(l);
    if (k)
        link_remove(k);
    return k;
}
/* Moves all members of `from` to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from) {
    struct link *k;
    while ((k = list_pop(from)))
        list_append(to, k);
}

/*
 * Walks the list; `item` is a `type *` whose `member` is the link. The body may take the current
 * member out and free it, but no other one, and must not wait if others may change the list.
 */
#define LIST_EACH(item, list, type, member)                                                        \
    for (struct link *each_##item = (list)->head.next, *next_##item = each_##item->next;           \
         each_##item != &(list)->head; each_##item = next_##item, next_##item = next_##item->next) \
        for (type *item = CONTAINER_OF(each_##item, type, member); item; item = NULL)
