/* SPDX-License-Identifier: ISC */
/*
 * Password hashes: Argon2id (RFC 9106) by libsodium for our own, crypt(3) by libxcrypt for those
 * brought along from other systems. No function waits; hashing and verifying take tens of
 * milliseconds and the memory of their cost, so they run in offload(OFFLOAD_KDF).
 *
 * password_setup() comes first, once per process, before any thread.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"

#define PASSWORD_MAX      511U /* bytes; what crypt(3) takes, and RFC 4616 asks for 255 */
#define PASSWORD_HASH_MAX 400U /* with the NUL */

/* What one hash costs: memory in KiB, passes over it. */
struct password_cost {
    uint32_t memory_kib;
    uint32_t passes;
};

#define PASSWORD_COST_DEFAULT ((struct password_cost){19 * 1024, 2}) /* 40 ms and 19 MiB */
#define PASSWORD_COST_MIN     ((struct password_cost){8, 1})         /* for tests; no protection */

int password_setup(void); /* 0, or -ENOSYS when libsodium cannot start */

/*
 * Whether a person may have this password at all: 1 to PASSWORD_MAX bytes of UTF-8 without control
 * characters (RFC 4616 §2 has no NUL; nobody can type the others). 0 or -E_SYNTAX with a sentence.
 */
int password_check_form(struct slice password, struct problem *problem);

/* Hashes with a new salt; `hash` gets printable text. 0, or -ENOMEM. */
int password_hash(struct slice password, struct password_cost cost, char hash[PASSWORD_HASH_MAX]);

/*
 * 0: the password fits the hash; -E_REFUSED: it does not; -E_SYNTAX: that is no hash of a
 * kind that this program can read; -ENOMEM. The comparison takes the same time wherever a
 * difference is.
 */
int password_verify(struct slice password, const char *hash);

/*
 * Spends the time of a verify against a hash of `cost` and returns -E_REFUSED: for a name that does
 * not exist, so that the time of the answer does not tell (-ENOMEM as above).
 */
int password_verify_nobody(struct slice password, struct password_cost cost);

/*
 * True when the hash is not Argon2id or is weaker than `cost`: hash the password anew at login. One
 * of PASSWORD_COST_MIN stays: it was made so on purpose, and no setting asks for so little.
 */
bool password_is_outdated(const char *hash, struct password_cost cost);

/* "argon2id", "yescrypt", "sha512-crypt" ...; NULL for text that is no known hash. */
const char *password_kind(struct slice hash);
