/* SPDX-License-Identifier: ISC */
/* An entry is one piece of memory: the struct, the arrays of the route, then all texts. */
#include "people/known_routes.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

#define OVERHEAD 64U /* of the map and the allocator, per entry */

struct entry {
    struct link by_use; /* first: unused for longest */
    struct slice address;
    uint64_t version;
    usec_t asked;
    size_t bytes;
    struct route route;
};

struct known_routes {
    struct map entries;
    struct list by_use;
    size_t bytes, max;
};

struct known_routes *known_routes_new(size_t bytes_max) {
    struct known_routes *k = NEW(struct known_routes);
    k->max = bytes_max;
    list_init(&k->by_use);
    return k;
}

static void drop(struct known_routes *k, struct entry *e) {
    (void)map_remove(&k->entries, e->address);
    link_remove(&e->by_use);
    k->bytes -= e->bytes;
    free(e);
}

void known_routes_clear(struct known_routes *k) {
    LIST_EACH (e, &k->by_use, struct entry, by_use)
        drop(k, e);
}

void known_routes_free(struct known_routes *k) {
    if (!k)
        return;
    known_routes_clear(k);
    map_done(&k->entries);
    free(k);
}

bool known_routes_get(struct known_routes *k, struct slice address, uint64_t version, usec_t since,
                      struct arena *a, struct route *ret, usec_t *ret_asked) {
    struct entry *e = map_get(&k->entries, address);
    if (!e)
        return false;
    if (e->version != version || e->asked < since) {
        drop(k, e);
        return false;
    }
    link_remove(&e->by_use);
    list_append(&k->by_use, &e->by_use);
    struct route route = e->route;
    if (route.mailbox_count > 0) {
        route.mailboxes = arena_array(a, route.mailbox_count, sizeof *route.mailboxes);
        for (size_t i = 0; i < route.mailbox_count; i++) {
            route.mailboxes[i] = e->route.mailboxes[i];
            route.mailboxes[i].address = arena_copy(a, e->route.mailboxes[i].address);
            route.mailboxes[i].detail = arena_copy(a, e->route.mailboxes[i].detail);
        }
    }
    if (route.forward_count > 0) {
        route.forwards = arena_array(a, route.forward_count, sizeof *route.forwards);
        for (size_t i = 0; i < route.forward_count; i++)
            route.forwards[i] = arena_copy(a, e->route.forwards[i]);
    }
    *ret = route;
    *ret_asked = e->asked;
    return true;
}

static struct slice keep(char **at, struct slice s) {
    char *copy = *at;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    *at += s.len;
    return slice_of(copy, s.len);
}

static struct entry *make_entry(struct slice address, const struct route *route) {
    size_t texts = address.len;
    for (size_t i = 0; i < route->mailbox_count; i++)
        texts += route->mailboxes[i].address.len + route->mailboxes[i].detail.len;
    for (size_t i = 0; i < route->forward_count; i++)
        texts += route->forwards[i].len;
    size_t mailboxes = route->mailbox_count * sizeof *route->mailboxes;
    size_t forwards = route->forward_count * sizeof *route->forwards;
    size_t size = sizeof(struct entry) + mailboxes + forwards + texts;
    struct entry *e = mem_zero(size);
    char *arrays = (char *)(e + 1), *at = arrays + mailboxes + forwards;
    e->bytes = size + OVERHEAD;
    e->address = keep(&at, address);
    e->route = (struct route){
        .kind = route->kind,
        .mailboxes = (struct route_mailbox *)(void *)arrays,
        .mailbox_count = route->mailbox_count,
        .forwards = (struct slice *)(void *)(arrays + mailboxes),
        .forward_count = route->forward_count,
    };
    for (size_t i = 0; i < route->mailbox_count; i++) {
        e->route.mailboxes[i] = route->mailboxes[i];
        e->route.mailboxes[i].address = keep(&at, route->mailboxes[i].address);
        e->route.mailboxes[i].detail = keep(&at, route->mailboxes[i].detail);
    }
    for (size_t i = 0; i < route->forward_count; i++)
        e->route.forwards[i] = keep(&at, route->forwards[i]);
    return e;
}

void known_routes_put(struct known_routes *k, struct slice address, uint64_t version, usec_t asked,
                      const struct route *route) {
    struct entry *old = map_get(&k->entries, address);
    if (old)
        drop(k, old);
    if (route->kind != ROUTE_LOCAL && route->kind != ROUTE_NOT_OURS)
        return;
    struct entry *e = make_entry(address, route);
    if (e->bytes > k->max / 4) { /* a group of a thousand costs others too much of the room */
        free(e);
        return;
    }
    e->version = version;
    e->asked = asked;
    while (k->bytes + e->bytes > k->max)
        drop(k, CONTAINER_OF(list_first(&k->by_use), struct entry, by_use));
    (void)map_put(&k->entries, e->address, e);
    list_append(&k->by_use, &e->by_use);
    k->bytes += e->bytes;
}

size_t known_routes_bytes(const struct known_routes *k) {
    return k->bytes;
}
