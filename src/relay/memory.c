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

struct faulty {
    struct map entries;
    struct list ages;
};

struct host_memory {
    struct faulty with[HOST_FAULTS];
    unsigned holders;
};

struct host_memory *host_memory_new(void) {
    struct host_memory *m = NEW(struct host_memory);
    for (size_t i = 0; i < HOST_FAULTS; i++)
        list_init(&m->with[i].ages);
    return host_memory_hold(m);
}

struct host_memory *host_memory_hold(struct host_memory *m) {
    m->holders++;
    return m;
}

static void forget(struct faulty *hosts, struct entry *e) {
    (void)map_remove(&hosts->entries, e->key);
    link_remove(&e->age);
    free(e);
}

static void forget_oldest(struct faulty *hosts) {
    forget(hosts, CONTAINER_OF(list_first(&hosts->ages), struct entry, age));
}

void host_memory_release(struct host_memory *m) {
    if (!m || --m->holders > 0)
        return;
    for (size_t i = 0; i < HOST_FAULTS; i++) {
        while (m->with[i].entries.count > 0)
            forget_oldest(&m->with[i]);
        map_done(&m->with[i].entries);
    }
    free(m);
}

void host_memory_add(struct host_memory *m, enum host_fault fault, const struct net_addr *host,
                     usec_t now) {
    struct faulty *hosts = &m->with[fault];
    host_memory_remove(m, fault, host);
    if (hosts->entries.count >= HOST_MEMORY_MAX)
        forget_oldest(hosts);
    struct entry *e = NEW(struct entry);
    e->key = net_format(host, e->text);
    e->until = now + HOST_MEMORY_FOR;
    (void)map_put(&hosts->entries, e->key, e);
    list_append(&hosts->ages, &e->age);
}

static struct entry *find(const struct faulty *hosts, const struct net_addr *host) {
    char text[NET_TEXT_SIZE];
    return hosts->entries.count > 0 ? map_get(&hosts->entries, net_format(host, text)) : NULL;
}

void host_memory_remove(struct host_memory *m, enum host_fault fault, const struct net_addr *host) {
    struct entry *e = find(&m->with[fault], host);
    if (e)
        forget(&m->with[fault], e);
}

bool host_memory_has(struct host_memory *m, enum host_fault fault, const struct net_addr *host,
                     usec_t now) {
    struct entry *e = find(&m->with[fault], host);
    if (e && e->until <= now) {
        forget(&m->with[fault], e);
        return false;
    }
    return e != NULL;
}
