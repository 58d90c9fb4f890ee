/* SPDX-License-Identifier: ISC */
/* Numbers from a seed (splitmix64), the same on every machine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r) {
    uint64_t x = r->state += 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

/* 0 to bound - 1. */
static inline uint32_t rng_below(struct rng *r, uint32_t bound) {
    return (uint32_t)(rng_next(r) >> 33) % bound;
}

static inline bool rng_one_in(struct rng *r, uint32_t n) {
    return rng_below(r, n) == 0;
}
