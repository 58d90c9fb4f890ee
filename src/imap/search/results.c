/* SPDX-License-Identifier: ISC */
/* A result lies behind its head, in one piece; the list has those that were used last in front. */
#include "imap/search/results.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "base/siphash.h"

struct result {
    struct link link;
    struct imap_results_key key;
    size_t len;
    char bytes[];
};

struct imap_results {
    struct map by_key;
    struct list recent;
    size_t most, held;
};

struct imap_results *imap_results_new(size_t most) {
    struct imap_results *r = NEW(struct imap_results);
    list_init(&r->recent);
    r->most = most;
    return r;
}

static struct slice key_of(const struct imap_results_key *key) {
    return slice_of(key, sizeof *key);
}

static size_t size_of(size_t len) {
    return sizeof(struct result) + len;
}

static void forget(struct imap_results *r, struct result *one) {
    (void)map_remove(&r->by_key, key_of(&one->key));
    link_remove(&one->link);
    r->held -= size_of(one->len);
    free(one);
}

void imap_results_free(struct imap_results *r) {
    if (!r)
        return;
    LIST_EACH (one, &r->recent, struct result, link)
        forget(r, one);
    map_done(&r->by_key);
    free(r);
}

struct imap_results_key imap_results_key(const struct imap_session *s, struct slice how,
                                         const struct buf *uids) {
    return (struct imap_results_key){
        .account = s->account_id,
        .how = siphash(how),
        .uids = siphash(buf_slice(uids)),
        .count = uids->len / sizeof(uint32_t),
        .mailbox = s->told.mailbox,
        .uidvalidity = s->uidvalidity,
    };
}

bool imap_results_get(struct imap_results *r, const struct imap_results_key *key, struct buf *to) {
    struct result *one = r ? map_get(&r->by_key, key_of(key)) : NULL;
    if (!one)
        return false;
    link_remove(&one->link);
    list_prepend(&r->recent, &one->link);
    buf_add_bytes(to, one->bytes, one->len);
    return true;
}

void imap_results_put(struct imap_results *r, const struct imap_results_key *key,
                      struct slice result) {
    if (!r || key->count < IMAP_RESULTS_FROM || size_of(result.len) > r->most)
        return;
    struct result *one = map_get(&r->by_key, key_of(key));
    if (one) /* another session was as fast */
        forget(r, one);
    while (r->held + size_of(result.len) > r->most)
        forget(r, CONTAINER_OF(r->recent.head.prev, struct result, link));
    one = mem_alloc(size_of(result.len));
    *one = (struct result){.key = *key, .len = result.len};
    memcpy(one->bytes, result.ptr, result.len);
    list_prepend(&r->recent, &one->link);
    (void)map_put(&r->by_key, key_of(&one->key), one);
    r->held += size_of(result.len);
}

size_t imap_results_held(const struct imap_results *r) {
    return r->held;
}
