/* SPDX-License-Identifier: ISC */
/*
 * So much at once, then so much in a time, for each of any number of keys: a key has `burst`
 * tokens, and while some are missing one comes back each `interval`.
 *
 * Pure: time comes in. Takes the same memory whoever asks: keys share `places` by a keyed hash.
 */
#pragma once

#include "base/slice.h"
#include "base/time.h"

struct tokens;

struct tokens *tokens_new(size_t places, unsigned burst, usec_t interval);
void tokens_free(struct tokens *t);
DEFINE_CLEANUP(struct tokens, tokens_free)

/*
 * How long to wait for a token, 0 when there is one. It is taken when the wait is at most
 * `patience`.
 */
usec_t tokens_take(struct tokens *t, struct slice key, usec_t now, usec_t patience);

/* One that was taken is not used up after all. */
void tokens_give_back(struct tokens *t, struct slice key);
