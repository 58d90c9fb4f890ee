/* SPDX-License-Identifier: ISC */
/*
 * The window is kept in 1/1024 of a connection, so that "+1/window per message" needs no floating
 * point: a window of w grows by one after w messages, as fast as the destination takes them.
 * Halving after a complaint and growing slowly finds the rate a host can bear, the way TCP does.
 */
#include "relay/pace.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

#define ONE 1024U

struct destination {
    struct link idle; /* in pace.idle while open == 0 */
    char *key;
    size_t key_len;
    unsigned open;
    uint64_t window; /* in 1/ONE */
    unsigned failures;
    usec_t rests_until;
    char *why; /* it rests, or NULL */
    size_t why_len;
};

struct pace {
    struct pace_options options;
    struct map destinations;
    struct list idle; /* longest unused first */
};

struct pace *pace_new(const struct pace_options *options) {
    MUST(options->start > 0 && options->start <= options->limit && options->destinations > 0 &&
         options->rest_first > 0 && options->rest_first <= options->rest_most);
    struct pace *p = NEW(struct pace);
    p->options = *options;
    list_init(&p->idle);
    return p;
}

void pace_free(struct pace *p) {
    if (!p)
        return;
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&p->destinations, &at));) {
        struct destination *d = entry->value;
        free(d->key);
        free(d->why);
        free(d);
    }
    map_done(&p->destinations);
    free(p);
}

/* Finds or makes the entry; NULL when the table is full of destinations in use. */
static struct destination *get(struct pace *p, struct slice key) {
    struct destination *d = map_get(&p->destinations, key);
    if (d)
        return d;
    if (p->destinations.count >= p->options.destinations) {
        struct link *oldest = list_first(&p->idle);
        if (!oldest)
            return NULL;
        d = CONTAINER_OF(oldest, struct destination, idle);
        (void)map_remove(&p->destinations, slice_of(d->key, d->key_len));
        link_remove(&d->idle);
        free(d->key);
        free(d->why);
        free(d);
    }
    d = NEW(struct destination);
    d->key = mem_str(key);
    d->key_len = key.len;
    d->window = (uint64_t)p->options.start * ONE;
    d->rests_until = INT64_MIN;
    (void)map_put(&p->destinations, slice_of(d->key, d->key_len), d);
    list_append(&p->idle, &d->idle);
    return d;
}

static struct destination *must_get(const struct pace *p, struct slice key) {
    struct destination *d = map_get(&p->destinations, key);
    MUST(d && d->open > 0);
    return d;
}

int pace_enter(struct pace *p, struct slice key, usec_t now, usec_t *ret_when) {
    struct destination *d = get(p, key);
    if (!d)
        return -E_LIMIT;
    if (now < d->rests_until) {
        *ret_when = d->rests_until;
        return -E_TEMPORARY;
    }
    if (d->open >= d->window / ONE)
        return -E_BUSY;
    d->open++;
    link_remove(&d->idle);
    return 0;
}

void pace_leave(struct pace *p, struct slice key) {
    struct destination *d = must_get(p, key);
    if (--d->open == 0)
        list_append(&p->idle, &d->idle);
}

void pace_succeeded(struct pace *p, struct slice key) {
    struct destination *d = must_get(p, key);
    uint64_t grown = d->window + (uint64_t)ONE * ONE / d->window;
    d->window = MIN(grown, (uint64_t)p->options.limit * ONE);
    d->failures = 0;
    d->rests_until = INT64_MIN;
    free(TAKE_PTR(d->why));
}

void pace_busy(struct pace *p, struct slice key) {
    struct destination *d = must_get(p, key);
    d->window = MAX(d->window / 2, (uint64_t)ONE);
}

void pace_unreachable(struct pace *p, struct slice key, usec_t now) {
    struct destination *d = must_get(p, key);
    if (now < d->rests_until)
        return;
    pace_busy(p, key);
    usec_t rest = p->options.rest_first;
    for (unsigned i = 0; i < d->failures && rest < p->options.rest_most; i++)
        rest *= 2;
    d->failures++;
    d->rests_until = now + MIN(rest, p->options.rest_most);
}

void pace_note(struct pace *p, struct slice key, struct slice why) {
    struct destination *d = must_get(p, key);
    why = slice_first(why, PACE_WHY_MAX);
    free(d->why);
    d->why = mem_str(why);
    d->why_len = why.len;
}

struct slice pace_why(const struct pace *p, struct slice key) {
    const struct destination *d = map_get(&p->destinations, key);
    return d && d->why ? slice_of(d->why, d->why_len) : S("");
}

void pace_wake(struct pace *p, struct slice key) {
    struct destination *d = map_get(&p->destinations, key);
    if (d)
        d->rests_until = INT64_MIN;
}

struct pace_state pace_state(const struct pace *p, struct slice key) {
    const struct destination *d = map_get(&p->destinations, key);
    if (!d)
        return (struct pace_state){0};
    return (struct pace_state){d->open, (unsigned)(d->window / ONE), d->failures, d->rests_until};
}
