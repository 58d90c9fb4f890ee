/* SPDX-License-Identifier: ISC */
/*
 * Accounts, domains and aliases as values: what the directory answers, whether it is in the process
 * or a call away. Slices are the arena's from which the answer came.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

/* ------------------------------------------------------------------ domains */

enum domain_type {
    DOMAIN_NONE,
    DOMAIN_LOCAL,
    DOMAIN_ALIAS, /* x@this means x@target */
};

struct domain {
    struct slice name;
    enum domain_type type;
    struct slice target;    /* of an alias domain */
    struct slice catch_all; /* address that gets what nobody else gets; empty: refused */
    uint64_t accounts, aliases;
};

/* ------------------------------------------------------------------ accounts */

#define ACCOUNT_NUMBER_MAX 1000000000000ULL /* the largest, so that some are left to be given */

/* An account's number is given once and never again, also after its removal. */
struct account {
    uint64_t id;
    struct slice address; /* canonical */
    struct slice spelled; /* as it was first written */
    struct slice name;    /* of the person */
    bool enabled, admin, has_password, has_apop;
    struct slice password_kind; /* "argon2id", "sha512-crypt", ...; empty without a password */
    uint64_t quota;             /* bytes; 0: none set */
    uint32_t shard;
    usec_t created, last_login; /* wall; last_login 0: never. May lag by a minute after a crash */
    bool has_usage;             /* false: nobody has told it yet */
    uint64_t messages, bytes;   /* in its mailboxes; may lag by a minute after a crash */
    usec_t removed;             /* wall; 0: it is in use */
    usec_t kept_until;          /* of a removed one: when it is purged by itself; 0: never */
    bool purging;               /* it is being purged: no way back */
};

struct account_new {
    struct slice address;
    struct slice name;
    struct slice password; /* or */
    struct slice imported; /* an Argon2id or crypt(3) hash from elsewhere; or neither: no login */
    uint64_t quota;
    bool admin; /* gets postmaster@ and abuse@ where nothing else is said */
    bool disabled;
    bool accept_weak;  /* take a weak password all the same */
    bool minimal_cost; /* the cheapest hash, for tests: it stays */
};

/* What an account's mailboxes hold, as the mail processes tell it. */
struct account_usage {
    uint64_t account;
    uint64_t messages, bytes;
};

/* How much an account has sent, and may: one for each enum sending_limit. */
struct account_limit {
    uint64_t used, most; /* most 0: no limit */
    bool own;            /* set for this account */
};

/* Where an account's mailboxes are. */
struct account_place {
    uint64_t account;
    uint32_t shard;
};

/* ------------------------------------------------------------------ aliases */

/*
 * An alias may stand on the address of an account: then it decides where that person's mail goes,
 * and the address among its own targets means the account's mailbox (a forward that keeps a copy).
 */
struct alias {
    struct slice address; /* canonical */
    struct slice *targets;
    size_t target_count;
};

/* ------------------------------------------------------------------ many at once */

/* What became of one of a list that was imported. */
struct import_note {
    size_t index;
    bool exists;         /* it was there before, the same: nothing had to be done; or */
    struct slice reason; /* why it cannot be taken: for problem_read() */
};

struct import_result {
    struct import_note *notes; /* in the order of the list */
    size_t count;
    size_t faults; /* notes with a reason; above 0 nothing was changed */
};
