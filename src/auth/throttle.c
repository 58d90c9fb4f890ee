/* SPDX-License-Identifier: ISC */
/*
 * A pair is kept by 16 bytes: the network, and a keyed hash of the name in lower case, so a record
 * has the same size whatever a stranger calls himself. What failed last is kept as keyed hashes
 * too: of two programs with two old passwords. `open_at` is when the next attempt may be looked at;
 * each attempt that is let in moves it on by the present delay, which is what puts parallel
 * attempts in a row.
 */
#include "auth/throttle.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "base/siphash.h"

#define FAILURES_MAX 64U
#define NAME_MAX_LEN 320U
#define TRIED        2U

struct pair {
    struct link by_age; /* first: untouched for longest */
    uint64_t key[2];
    unsigned failures;
    uint64_t tried[TRIED]; /* the latest first; 0: none */
    usec_t open_at, quiet_since;
};

struct throttle {
    struct map pairs;
    struct list by_age;
    size_t max;
    usec_t delay_first, delay_most;
};

struct throttle *throttle_new(size_t pairs_max) {
    struct throttle *t = NEW(struct throttle);
    t->max = MAX(pairs_max, (size_t)1);
    throttle_set_delays(t, THROTTLE_FIRST, THROTTLE_MAX);
    list_init(&t->by_age);
    return t;
}

void throttle_set_delays(struct throttle *t, usec_t first, usec_t most) {
    t->delay_first = first;
    t->delay_most = most;
}

static void forget(struct throttle *t, struct pair *p) {
    (void)map_remove(&t->pairs, slice_of(p->key, sizeof p->key));
    link_remove(&p->by_age);
    free(p);
}

void throttle_free(struct throttle *t) {
    if (!t)
        return;
    LIST_EACH (p, &t->by_age, struct pair, by_age)
        forget(t, p);
    map_done(&t->pairs);
    free(t);
}

static void make_key(struct slice network, struct slice name, uint64_t key[2]) {
    char lower[NAME_MAX_LEN];
    key[0] = 0;
    struct slice prefix = slice_first(network, sizeof key[0]); /* the /64 of an IPv6 address */
    if (prefix.len > 0)
        memcpy(&key[0], prefix.ptr, prefix.len);
    key[1] = siphash(slice_lower(slice_first(name, sizeof lower), lower));
}

static struct pair *find(const struct throttle *t, const uint64_t key[2]) {
    return map_get(&t->pairs, slice_of(key, 2 * sizeof key[0]));
}

static struct pair *add(struct throttle *t, const uint64_t key[2], usec_t now) {
    if (t->pairs.count >= t->max)
        forget(t, CONTAINER_OF(list_first(&t->by_age), struct pair, by_age));
    struct pair *p = NEW(struct pair);
    memcpy(p->key, key, sizeof p->key);
    p->open_at = p->quiet_since = now;
    (void)map_put(&t->pairs, slice_of(p->key, sizeof p->key), p);
    list_append(&t->by_age, &p->by_age);
    return p;
}

static void touch(struct throttle *t, struct pair *p) {
    link_remove(&p->by_age);
    list_append(&t->by_age, &p->by_age);
}

static void decay(struct pair *p, usec_t now) {
    while (p->failures > 0 && now - p->quiet_since >= THROTTLE_DECAY) {
        p->failures--;
        p->quiet_since += THROTTLE_DECAY;
    }
}

static usec_t delay_of(const struct throttle *t, unsigned failures) {
    usec_t delay = failures > 0 ? t->delay_first : 0;
    for (unsigned i = 1; i < failures && delay < t->delay_most; i++)
        delay *= 2;
    return MIN(delay, t->delay_most);
}

/* Whether that has failed just before; from now on it has. */
static bool note_tried(struct pair *p, struct slice tried) {
    uint64_t hash = siphash(tried) ^ p->key[1];
    if (tried.len == 0)
        return false;
    for (size_t i = 0; i < TRIED; i++)
        if (p->tried[i] == hash)
            return true;
    memmove(&p->tried[1], &p->tried[0], (TRIED - 1) * sizeof p->tried[0]);
    p->tried[0] = hash;
    return false;
}

usec_t throttle_enter(struct throttle *t, struct slice network, struct slice name, usec_t now,
                      usec_t patience) {
    uint64_t key[2];
    make_key(network, name, key);
    struct pair *p = find(t, key);
    if (!p)
        return 0;
    decay(p, now);
    if (p->failures == 0 && p->open_at <= now) {
        forget(t, p);
        return 0;
    }
    usec_t wait = MAX(p->open_at - now, (usec_t)0);
    touch(t, p);
    if (wait <= patience)
        p->open_at = now + wait + delay_of(t, p->failures);
    return wait;
}

usec_t throttle_failed(struct throttle *t, struct slice network, struct slice name,
                       struct slice tried, usec_t now) {
    uint64_t key[2];
    make_key(network, name, key);
    struct pair *p = find(t, key);
    if (p)
        touch(t, p);
    else
        p = add(t, key, now);
    decay(p, now);
    /* One more than it takes to reach the longest delay is enough: others would only be forgotten
     * later. */
    bool enough = p->failures > 0 && delay_of(t, p->failures - 1) == t->delay_most;
    bool counts = !note_tried(p, tried) || p->failures == 0;
    if (counts && !enough && p->failures < FAILURES_MAX)
        p->failures++;
    p->quiet_since = now;
    usec_t delay = delay_of(t, p->failures);
    p->open_at = MAX(p->open_at, now + delay);
    return delay;
}

void throttle_succeeded(struct throttle *t, struct slice network, struct slice name) {
    uint64_t key[2];
    make_key(network, name, key);
    struct pair *p = find(t, key);
    if (p)
        forget(t, p);
}

size_t throttle_count(const struct throttle *t) {
    return t->pairs.count;
}
