/* SPDX-License-Identifier: ISC */
#include "relay/plain.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

struct entry {
    struct link age; /* the oldest first */
    usec_t until;
    char text[NET_TEXT_SIZE];
    struct slice key; /* in the text */
};

struct plain_hosts {
    struct map entries;
    struct list ages;
};

struct plain_hosts *plain_new(void) {
    struct plain_hosts *p = NEW(struct plain_hosts);
    list_init(&p->ages);
    return p;
}

static void forget(struct plain_hosts *p, struct entry *e) {
    (void)map_remove(&p->entries, e->key);
    link_remove(&e->age);
    free(e);
}

void plain_free(struct plain_hosts *p) {
    struct link *k;
    if (!p)
        return;
    while ((k = list_first(&p->ages)))
        forget(p, CONTAINER_OF(k, struct entry, age));
    map_done(&p->entries);
    free(p);
}

void plain_add(struct plain_hosts *p, const struct net_addr *host, usec_t now) {
    plain_remove(p, host);
    if (p->entries.count >= PLAIN_MAX)
        forget(p, CONTAINER_OF(list_first(&p->ages), struct entry, age));
    struct entry *e = NEW(struct entry);
    e->key = net_format(host, e->text);
    e->until = now + PLAIN_FOR;
    (void)map_put(&p->entries, e->key, e);
    list_append(&p->ages, &e->age);
}

static struct entry *find(const struct plain_hosts *p, const struct net_addr *host) {
    char text[NET_TEXT_SIZE];
    return map_get(&p->entries, net_format(host, text));
}

void plain_remove(struct plain_hosts *p, const struct net_addr *host) {
    struct entry *e = find(p, host);
    if (e)
        forget(p, e);
}

bool plain_has(struct plain_hosts *p, const struct net_addr *host, usec_t now) {
    struct entry *e = p->entries.count > 0 ? find(p, host) : NULL;
    if (e && e->until <= now) {
        forget(p, e);
        return false;
    }
    return e != NULL;
}
