/* SPDX-License-Identifier: ISC */
#include "dns/recent.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "fiber/fiber.h"

struct kept {
    struct link link; /* the longest unused first */
    struct slice key; /* of the heap: type and name in lower case */
    struct buf flat;
    usec_t expires;
};

struct recent_answers {
    struct map by_key;
    struct list by_use;
};

struct recent_answers *recent_answers_new(void) {
    struct recent_answers *r = NEW(struct recent_answers);
    list_init(&r->by_use);
    return r;
}

static void forget(struct recent_answers *r, struct kept *k) {
    (void)map_remove(&r->by_key, k->key);
    link_remove(&k->link);
    buf_done(&k->flat);
    free((char *)k->key.ptr);
    free(k);
}

void recent_answers_free(struct recent_answers *r) {
    if (!r)
        return;
    LIST_EACH (k, &r->by_use, struct kept, link)
        forget(r, k);
    map_done(&r->by_key);
    free(r);
}

static const struct kept *find(struct recent_answers *r, struct slice key) {
    struct kept *k = map_get(&r->by_key, key);
    if (k && k->expires <= fiber_now()) {
        forget(r, k);
        return NULL;
    }
    if (k) {
        link_remove(&k->link);
        list_append(&r->by_use, &k->link);
    }
    return k;
}

/* Another fiber may have kept the same meanwhile. */
static void keep(struct recent_answers *r, struct slice key, const struct dns_answer *answer) {
    struct kept *before = map_get(&r->by_key, key);
    if (before)
        forget(r, before);
    struct kept *k = NEW(struct kept);
    dns_answer_encode(&k->flat, answer);
    k->key = slice_of(mem_str(key), key.len);
    k->expires = fiber_now() + MIN(answer->ttl * USEC_SEC, RECENT_SPAN);
    (void)map_put(&r->by_key, k->key, k);
    list_append(&r->by_use, &k->link);
    if (r->by_key.count > RECENT_ANSWERS || k->flat.len > RECENT_ANSWER_MAX) {
        bool large = k->flat.len > RECENT_ANSWER_MAX;
        forget(r, large ? k : CONTAINER_OF(list_first(&r->by_use), struct kept, link));
    }
}

static int query(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) WAITS {
    const struct recent_client *c = arg;
    struct slice key = arena_printf(a, "%u %.*s", type, SLICE_ARG(arena_lower(a, name)));
    const struct kept *k = find(c->recent, key);
    if (k)
        return dns_answer_decode(arena_copy(a, buf_slice(&k->flat)), a, ret);
    int r = c->below->query(c->below->arg, name, type, a, ret);
    if (r == 0 && ret->code <= DNS_NODATA && ret->ttl > 0)
        keep(c->recent, key, ret);
    return r;
}

struct dns_client recent_answers_client(struct recent_client *c) {
    return (struct dns_client){query, c};
}
