/* SPDX-License-Identifier: ISC */
/*
 * How hard a destination may be pressed: a window of connections open at once, which grows while
 * all goes well and shrinks when the destination complains, and a rest for one that cannot be
 * reached. A destination is a name given by the caller; nothing is known here of DNS or sockets.
 *
 *     r = pace_enter(pace, key, now, &when);
 *     0              a connection may be opened; pace_leave() when it is closed
 *     -E_BUSY        the window is full: wait until one was closed
 *     -E_TEMPORARY   the destination rests until `when`
 *     -E_LIMIT       too many destinations are in use
 *
 * Pure: time is passed in. The table holds at most `destinations` entries; those that nobody uses
 * make room, the longest unused first.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"

struct pace;

struct pace_options {
    unsigned start;        /* connections to a new destination */
    unsigned limit;        /* and at most */
    usec_t rest_first;     /* after it could not be reached, doubling */
    usec_t rest_most;      /* up to this */
    unsigned destinations; /* remembered */
};
#define PACE_DEFAULTS                                                                              \
    {                                                                                              \
        .start = 5, .limit = 20, .rest_first = USEC_MIN, .rest_most = 30 * USEC_MIN,               \
        .destinations = 10000                                                                      \
    }

struct pace *pace_new(const struct pace_options *options);
void pace_free(struct pace *p);
DEFINE_CLEANUP(struct pace, pace_free)

int pace_enter(struct pace *p, struct slice key, usec_t now, usec_t *ret_when) MUST_CHECK;
void pace_leave(struct pace *p, struct slice key);

/* Events of a destination that was entered. */
void pace_succeeded(struct pace *p,
                    struct slice key);            /* a message went through: +1/window, no rest */
void pace_busy(struct pace *p, struct slice key); /* 421 and the like: half the window */

/* No host of it could be reached: half the window and a rest. Reports during a rest count once. */
void pace_unreachable(struct pace *p, struct slice key, usec_t now);

/* Why, for people; kept as long as it rests, at most PACE_WHY_MAX bytes of it. */
#define PACE_WHY_MAX 255U
void pace_note(struct pace *p, struct slice key, struct slice why);
struct slice pace_why(const struct pace *p, struct slice key); /* until the next change */

/* Forgets the rest, for a postmaster who knows that it is back. */
void pace_wake(struct pace *p, struct slice key);

/* For status pages; zero for one that is not known. */
struct pace_state {
    unsigned open;      /* connections */
    unsigned window;    /* connections allowed */
    unsigned failures;  /* in a row */
    usec_t rests_until; /* in the past: it does not */
};
struct pace_state pace_state(const struct pace *p, struct slice key);
