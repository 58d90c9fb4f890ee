/* SPDX-License-Identifier: ISC */
/*
 * Who shares mailboxes with whom. The rights stand in the mailboxes, and who has a mailbox judges
 * by them each time; here stands only which account gives some right in some mailbox to which
 * identifier (store/rights.h). So a user finds those who share something with him, however many
 * accounts there are, and nobody else's process is asked for a mailbox that is not shared with him.
 *
 * It is derived: the mail processes tell it for an account when its rights change, and whenever
 * one that gives any comes into memory. What is told here too much shows nobody anything.
 */
#pragma once

#include "directory/directory.h"

#define DIRECTORY_SHARES_MAX 1000U /* identifiers of an account; more are not told */
#define DIRECTORY_OWNERS_MAX 1000U /* that one user is told of */

/* All identifiers to which an account gives something. 0, also if there is no such account; or the
 * database's error. */
int directory_set_shares(struct directory *d, uint64_t account, const struct slice *identifiers,
                         size_t count, struct problem *problem) WAITS;

struct share_owner {
    uint64_t account; /* 0: nobody of that address shares anything with the user */
    uint32_t shard;
    uint64_t quota;
    struct slice address; /* canonical, in the arena */
};

/* An owner by his address, for a user by his canonical one. It takes as long whether there is such
 * an account or not. 0 with the answer, or why there is none just now. */
int directory_find_owner(struct directory *d, struct slice user, struct slice address,
                         struct arena *a, struct share_owner *ret, struct problem *problem) WAITS;

/* How many accounts give rights to an address, whoever has it. */
int directory_sharers_with(struct directory *d, struct slice address, uint64_t *ret,
                           struct problem *problem) WAITS;

/* The addresses of all who share something with a user, but disabled ones; in the arena. */
int directory_owners(struct directory *d, struct slice user, struct arena *a, struct slice **ret,
                     size_t *ret_count, struct problem *problem) WAITS;
