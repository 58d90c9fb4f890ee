/* SPDX-License-Identifier: ISC */
/*
 * Slowing down those who guess passwords: for each pair of network (an IPv4 address, the /64 of an
 * IPv6 one) and name, failures are counted, and the next attempt waits 2 s, then 4, 8, 16, at most
 * 30, unless other delays are set. A success clears the count, ten quiet minutes take one failure
 * off it.
 *
 * A password that has just failed is no new guess, and is not counted again: a mail program that
 * still has the old one tries it by several mechanisms, every few minutes, and its user would then
 * wait long with the right one. Who guesses learns nothing from repeating, and waits for it as
 * before.
 *
 * The wait comes before the attempt and outlives connections: a guesser who hangs up instead of
 * waiting for the refusal gains nothing, and attempts in parallel queue up behind each other.
 *
 * Pure: time comes in. The table is bounded; the pair untouched for longest gives way.
 */
#pragma once

#include "base/slice.h"
#include "base/time.h"

struct throttle;

#define THROTTLE_FIRST (2 * USEC_SEC)
#define THROTTLE_MAX   (30 * USEC_SEC)
#define THROTTLE_DECAY (10 * USEC_MIN)

struct throttle *throttle_new(size_t pairs_max);
void throttle_free(struct throttle *t);
DEFINE_CLEANUP(struct throttle, throttle_free)

/* Delays in place of THROTTLE_FIRST and THROTTLE_MAX for what comes from now on; 0: none. */
void throttle_set_delays(struct throttle *t, usec_t first, usec_t most);

/*
 * How long an attempt that comes now has to wait before it is looked at. It takes a place in the
 * queue when that is at most `patience`; a longer one means: refuse it, no place was taken.
 * `network` has 4 or 16 bytes; `name` is compared without case, so it has to be the same for all
 * spellings that lead to one account.
 */
usec_t throttle_enter(struct throttle *t, struct slice network, struct slice name, usec_t now,
                      usec_t patience);

/*
 * The attempt failed. Returns how long to hold back the refusal: until the next may be tried. Of
 * `tried`, the password, only a keyed hash is kept; empty: what was tried is another one each time.
 */
usec_t throttle_failed(struct throttle *t, struct slice network, struct slice name,
                       struct slice tried, usec_t now);

/* The attempt succeeded. */
void throttle_succeeded(struct throttle *t, struct slice network, struct slice name);

size_t throttle_count(const struct throttle *t); /* pairs remembered */
