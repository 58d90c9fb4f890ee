/* SPDX-License-Identifier: ISC */
/*
 * Tokens are kept as the moment at which all of them will be back (GCRA): taking one moves it on by
 * the interval. Two keys that meet in one place share its tokens, which a stranger cannot bring
 * about without the key of the hash. A table of keys in which the oldest gives way would let him
 * push one out by asking with others, and begin anew with it.
 */
#include "base/tokens.h"

#include "base/alloc.h"
#include "base/siphash.h"

struct tokens {
    usec_t interval, whole; /* whole: for all tokens to come back */
    size_t places;
    usec_t *full_at;
};

struct tokens *tokens_new(size_t places, unsigned burst, usec_t interval) {
    struct tokens *t = NEW(struct tokens);
    t->interval = interval;
    t->whole = (usec_t)burst * interval;
    t->places = places;
    t->full_at = mem_zero(places * sizeof *t->full_at);
    return t;
}

void tokens_free(struct tokens *t) {
    if (!t)
        return;
    free(t->full_at);
    free(t);
}

static usec_t *place_of(struct tokens *t, struct slice key) {
    return &t->full_at[siphash(key) % t->places];
}

usec_t tokens_take(struct tokens *t, struct slice key, usec_t now, usec_t patience) {
    usec_t *full_at = place_of(t, key);
    usec_t then = MAX(*full_at, now) + t->interval;
    usec_t wait = MAX(then - t->whole - now, (usec_t)0);
    if (wait <= patience)
        *full_at = then;
    return wait;
}

void tokens_give_back(struct tokens *t, struct slice key) {
    *place_of(t, key) -= t->interval;
}
