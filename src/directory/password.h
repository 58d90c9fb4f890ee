/* SPDX-License-Identifier: ISC */
/*
 * From the password a person wants to the hash that is stored.
 */
#pragma once

#include "directory/internal.h"

/*
 * Judges and hashes, in a thread of OFFLOAD_KDF. Weak passwords are refused (-E_REFUSED, with
 * advice) unless accepted by `like`; `like->imported` is checked and taken as it is; neither gives
 * the empty hash, which nothing fits. `address` gives the words an attacker would try first.
 */
int password_prepare(struct directory *d, const struct account_new *like,
                     const struct name *address, char hash[static PASSWORD_HASH_MAX],
                     struct problem *problem) WAITS;

/* The same without making a hash. */
int password_judge(const struct account_new *like, const struct name *address,
                   struct problem *problem) WAITS;
