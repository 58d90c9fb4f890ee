/* SPDX-License-Identifier: ISC */
/*
 * How long the wall clock has gone on evenly. A machine may start, or wake, with a clock that is
 * years ahead, until it hears the time from others. So what would be gone for ever, since it is
 * old, waits until the clock has gone on for EVEN_CLOCK_SETTLES.
 *
 * Pure: both times come in.
 */
#pragma once

#include "base/time.h"

#define EVEN_CLOCK_SETTLES USEC_HOUR
#define EVEN_CLOCK_STEP    USEC_HOUR /* less is no harm */

struct even_clock {
    usec_t ahead; /* the wall clock's, of the one that only goes on, at the last look */
    usec_t since; /* by that one: no step ahead was seen from then on */
};

static inline struct even_clock even_clock_begin(usec_t now, usec_t wall) {
    return (struct even_clock){wall - now, now};
}

/* A look: whether what is kept for the span `keep` can be called old by it. */
static inline bool even_clock_settled(struct even_clock *c, usec_t now, usec_t wall, usec_t keep) {
    if (wall - now > c->ahead + EVEN_CLOCK_STEP)
        c->since = now;
    c->ahead = wall - now;
    return now - c->since >= MIN(EVEN_CLOCK_SETTLES, keep);
}
