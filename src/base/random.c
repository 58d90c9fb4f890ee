/* SPDX-License-Identifier: ISC */
#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"

static bool fixed;
static uint64_t state;

void random_fix(uint64_t seed) {
    fixed = true;
    state = seed;
}

static uint64_t next_fixed(void) { /* splitmix64 */
    uint64_t z = (state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void random_bytes(void *to, size_t len) {
    char *at = to;
    while (len > 0) {
        if (fixed) {
            uint64_t word = next_fixed();
            size_t n = MIN(len, sizeof word);
            memcpy(at, &word, n);
            at += n;
            len -= n;
            continue;
        }
        ssize_t n = getrandom(at, len, 0);
        MUST(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}

/*
 * A call of the system for each number would cost more than most of what numbers are for. Each
 * thread has its own supply; a number that was given is no longer in it. The master starts its
 * processes by exec, so no two of them share one.
 */
uint64_t random_u64(void) {
    static _Thread_local uint64_t supply[32];
    static _Thread_local size_t left;
    if (fixed)
        return next_fixed();
    if (left == 0) {
        random_bytes(supply, sizeof supply);
        left = ARRAY_SIZE(supply);
    }
    uint64_t v = supply[--left];
    supply[left] = 0;
    return v;
}

uint64_t random_below(uint64_t bound) {
    MUST(bound > 0);
    uint64_t skip = -bound % bound; /* 2^64 mod bound: drop the uneven part */
    uint64_t v;
    do
        v = random_u64();
    while (v < skip);
    return v % bound;
}
