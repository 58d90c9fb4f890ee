/* SPDX-License-Identifier: ISC */
/*
 * Sealing of secrets that must be readable again: XChaCha20-Poly1305 with a key that lies in a file
 * of its own (0600, owned by the user of the directory process), so that a copy of directory.db
 * alone gives nothing away. A sealed secret is bound to its account: it opens for no other.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct seal_key {
    unsigned char bytes[32];
    bool present;
};

/* Blocking. Reads the key; when the file is missing: makes one if `make`, else leaves it absent. */
int seal_key_load(const char *path, bool make, struct seal_key *ret, struct problem *problem);
void seal_key_wipe(struct seal_key *key);

struct slice seal_close(const struct seal_key *key, uint64_t account_id, struct slice secret,
                        struct arena *a);

/* 0, or -E_CORRUPT: sealed with another key, for another account, or changed. */
int seal_open(const struct seal_key *key, uint64_t account_id, struct slice sealed, struct arena *a,
              struct slice *ret);
