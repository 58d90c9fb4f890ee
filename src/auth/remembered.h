/* SPDX-License-Identifier: ISC */
/*
 * Logins remembered for a few minutes, so that a program which logs in every second costs one
 * Argon2 and not sixty. Design in remembered.c.
 *
 * What is kept: for an account and the stored hash it was verified against, a keyed digest of the
 * password. Only successes, never longer than REMEMBERED_TTL after the full verification (using an
 * entry does not extend it), in a bounded table. A new stored hash makes old entries useless by
 * itself. Whether the account is enabled is not remembered: ask each time.
 */
#pragma once

#include "base/slice.h"
#include "base/time.h"

struct remembered;

#define REMEMBERED_TTL (5 * USEC_MIN)

struct remembered *remembered_new(size_t entries_max);
void remembered_free(struct remembered *m); /* wipes it */
DEFINE_CLEANUP(struct remembered, remembered_free)

/* True: this very password was verified against this very hash lately. False: verify it in full. */
bool remembered_has(struct remembered *m, uint64_t account_id, struct slice hash,
                    struct slice password, usec_t now);

/* The password was just verified in full. */
void remembered_add(struct remembered *m, uint64_t account_id, struct slice hash,
                    struct slice password, usec_t now);

void remembered_drop(struct remembered *m, uint64_t account_id); /* password or state changed */

size_t remembered_count(const struct remembered *m);
