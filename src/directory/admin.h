/* SPDX-License-Identifier: ISC */
/*
 * Changing the directory: domains, accounts, aliases. What a postmaster does by command, by web
 * page, or in bulk.
 *
 * Each change is one transaction, on the disk before the call returns (bulk: a few transactions).
 * 0, or negative with a sentence in `problem` that says what was found and what was expected:
 *     -E_SYNTAX   an address, domain or template is not well formed
 *     -EEXIST     that name is taken
 *     -E_UNKNOWN  no such domain, account or alias
 *     -E_REFUSED  a rule says no: weak password, something still depends on it
 *     -E_CORRUPT, -E_TEMPORARY, -EROFS, -EIO, -ENOSPC ...   the file
 * Results are in the arena that was passed.
 */
#pragma once

#include "directory/directory.h"

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

/* `target` empty: a local domain; else another name for that local domain. */
int directory_domain_add(struct directory *d, struct slice name, struct slice target,
                         struct problem *problem) WAITS;
int directory_domain_set_catch_all(struct directory *d, struct slice name, struct slice target,
                                   struct problem *problem) WAITS; /* empty target: none */
int directory_domain_remove(struct directory *d, struct slice name, struct problem *problem) WAITS;
int directory_domain_list(struct directory *d, struct arena *a, struct domain **ret,
                          size_t *ret_count, struct problem *problem) WAITS;

/* ------------------------------------------------------------------ accounts */

/* An account's number is given once and never again, also after its removal. */
struct account {
    uint64_t id;
    struct slice address; /* canonical */
    struct slice spelled; /* as it was first written */
    struct slice name;    /* of the person */
    bool enabled, admin, has_password, has_apop;
    const char *password_kind; /* "argon2id", "sha512-crypt", ...; "" without a password */
    uint64_t quota;            /* bytes; 0: none set */
    uint32_t shard;
    usec_t created, last_login; /* wall; last_login 0: never. May lag by a minute after a crash */
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

int directory_account_add(struct directory *d, const struct account_new *account, uint64_t *ret_id,
                          struct problem *problem) WAITS;

/*
 * `count` accounts at once: the address of `like` holds one %d or %0Nd ("user%04d@example.test"),
 * numbered from `first`. All have the same password, so they share one hash until each person sets
 * a new one. Nothing is added when one of the addresses is taken already.
 */
int directory_account_add_many(struct directory *d, const struct account_new *like, uint64_t first,
                               uint64_t count, uint64_t *ret_added, struct problem *problem) WAITS;

int directory_account_show(struct directory *d, struct slice address, struct arena *a,
                           struct account *ret, struct problem *problem) WAITS;
int directory_account_by_id(struct directory *d, uint64_t id, struct arena *a, struct account *ret,
                            struct problem *problem) WAITS;

/* A page of accounts by number: those above `after_id`, at most `limit`; domain empty: all. */
int directory_account_list(struct directory *d, struct slice domain, uint64_t after_id,
                           size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                           struct problem *problem) WAITS;

/*
 * The letters are the caller's business. Takes the address out of aliases; refused while it is the
 * only target of an alias or a domain's catch-all.
 */
int directory_account_remove(struct directory *d, struct slice address, uint64_t *ret_id,
                             struct problem *problem) WAITS;
int directory_account_set_enabled(struct directory *d, struct slice address, bool enabled,
                                  struct problem *problem) WAITS;
int directory_account_set_password(struct directory *d, struct slice address, struct slice password,
                                   bool accept_weak, struct problem *problem) WAITS;

/*
 * The APOP secret is a second password, kept so that it can be read again: APOP needs that (RFC
 * 1939 §7). It is sealed with the key of directory_options.key_path. Empty: no APOP any more.
 */
int directory_account_set_apop(struct directory *d, struct slice address, struct slice secret,
                               struct problem *problem) WAITS;

/* Whether any account has an APOP secret: then POP3 greets with a timestamp. */
int directory_has_apop(struct directory *d, bool *ret, struct problem *problem) WAITS;

int directory_account_set_quota(struct directory *d, struct slice address, uint64_t quota,
                                struct problem *problem) WAITS;
int directory_account_set_name(struct directory *d, struct slice address, struct slice name,
                               struct problem *problem) WAITS;
int directory_account_set_admin(struct directory *d, struct slice address, bool admin,
                                struct problem *problem) WAITS;

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

/* Adds targets to an alias, which is made when missing. Local targets must exist, no circles. */
int directory_alias_add(struct directory *d, struct slice address, const struct slice *targets,
                        size_t count, struct problem *problem) WAITS;

/* The same, but the targets replace what was there. */
int directory_alias_set(struct directory *d, struct slice address, const struct slice *targets,
                        size_t count, struct problem *problem) WAITS;

/* Takes targets out of an alias; with count 0, or with its last target, the alias goes. */
int directory_alias_remove(struct directory *d, struct slice address, const struct slice *targets,
                           size_t count, struct problem *problem) WAITS;

/* A page of aliases in order of (domain, local part) behind `after` (an address, or empty). */
int directory_alias_list(struct directory *d, struct slice after, size_t limit, struct arena *a,
                         struct alias **ret, size_t *ret_count, struct problem *problem) WAITS;
