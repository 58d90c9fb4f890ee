/* SPDX-License-Identifier: ISC */
#include "dns/shares.h"

#include "base/alloc.h"

#define SECOND_LEVEL_MAX                                                                           \
    3U /* bytes of what is no name of somebody before a country: "co", "gov"                       \
        */

struct share_group {
    struct slice key; /* on the heap */
    struct list waiting;
    unsigned inside, members;
};

void shares_init(struct shares *s, unsigned most) {
    *s = (struct shares){.most = most};
    list_init(&s->next);
}

void shares_done(struct shares *s) {
    map_done(&s->groups);
}

static struct share_group *group_get(struct shares *s, struct slice key) {
    struct share_group *g = map_get(&s->groups, key);
    if (g)
        return g;
    g = NEW(struct share_group);
    g->key = slice_of(mem_str(key), key.len);
    list_init(&g->waiting);
    (void)map_put(&s->groups, g->key, g);
    return g;
}

static void let_in(struct shares *s, struct share_member *m) {
    m->inside = true;
    m->group->inside++;
    list_append(&s->next, &m->link);
}

void shares_add(struct shares *s, struct slice group, struct share_member *m) {
    struct share_group *g = group_get(s, group);
    m->group = g;
    m->inside = false;
    g->members++;
    if (g->inside < s->most)
        let_in(s, m);
    else
        list_append(&g->waiting, &m->link);
}

struct share_member *shares_next(struct shares *s) {
    struct link *k = list_pop(&s->next);
    return k ? CONTAINER_OF(k, struct share_member, link) : NULL;
}

void shares_remove(struct shares *s, struct share_member *m) {
    struct share_group *g = m->group;
    if (!g)
        return;
    link_remove(&m->link);
    m->group = NULL;
    if (m->inside && --g->inside < s->most && !list_empty(&g->waiting))
        let_in(s, CONTAINER_OF(list_pop(&g->waiting), struct share_member, link));
    if (--g->members > 0)
        return;
    (void)map_remove(&s->groups, g->key);
    free((char *)g->key.ptr);
    free(g);
}

/* ------------------------------------------------------------------ names */

/* So many labels from the end; all, where there are fewer. */
static struct slice last_labels(struct slice name, unsigned count) {
    size_t at = name.len;
    while (at > 0 && (name.ptr[at - 1] != '.' || --count > 0))
        at--;
    return slice_from(name, at);
}

struct slice shares_group_of(struct slice name) {
    struct slice two = last_labels(name, 2);
    if (slice_eq_nocase(two, S("in-addr.arpa")))
        return last_labels(name, 4);
    if (slice_eq_nocase(two, S("ip6.arpa")))
        return last_labels(name, 10);
    ssize_t dot = slice_find_byte(two, '.');
    return last_labels(name, dot >= 0 && (size_t)dot <= SECOND_LEVEL_MAX ? 3 : 2);
}
