/* SPDX-License-Identifier: ISC */
#include "relay/memory.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

struct entry {
    struct link age; /* the oldest first */
    usec_t until;
    char text[NET_TEXT_SIZE];
    struct slice key; /* in the text */
};

struct host_memory {
    struct map entries;
    struct list ages;
};

struct host_memory *host_memory_new(void) {
    struct host_memory *p = NEW(struct host_memory);
    list_init(&p->ages);
    return p;
}

static void forget(struct host_memory *p, struct entry *e) {
    (void)map_remove(&p->entries, e->key);
    link_remove(&e->age);
    free(e);
}

void host_memory_free(struct host_memory *p) {
    struct link *k;
    if (!p)
        return;
    while ((k = list_first(&p->ages)))
        forget(p, CONTAINER_OF(k, struct entry, age));
    map_done(&p->entries);
    free(p);
}

void host_memory_add(struct host_memory *p, const struct net_addr *host, usec_t now) {
    host_memory_remove(p, host);
    if (p->entries.count >= HOST_MEMORY_MAX)
        forget(p, CONTAINER_OF(list_first(&p->ages), struct entry, age));
    struct entry *e = NEW(struct entry);
    e->key = net_format(host, e->text);
    e->until = now + HOST_MEMORY_FOR;
    (void)map_put(&p->entries, e->key, e);
    list_append(&p->ages, &e->age);
}

static struct entry *find(const struct host_memory *p, const struct net_addr *host) {
    char text[NET_TEXT_SIZE];
    return map_get(&p->entries, net_format(host, text));
}

void host_memory_remove(struct host_memory *p, const struct net_addr *host) {
    struct entry *e = find(p, host);
    if (e)
        forget(p, e);
}

bool host_memory_has(struct host_memory *p, const struct net_addr *host, usec_t now) {
    struct entry *e = p->entries.count > 0 ? find(p, host) : NULL;
    if (e && e->until <= now) {
        forget(p, e);
        return false;
    }
    return e != NULL;
}
