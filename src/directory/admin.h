/* SPDX-License-Identifier: ISC */
/*
 * Changing the directory: domains, accounts, aliases. What a postmaster does by command, by web
 * page, or in bulk.
 *
 * Each change is one transaction, on the disk before the call returns (bulk: a few transactions);
 * its entry in the history (see below) is part of it. 0, or negative with a sentence in `problem`
 * that says what was found and what was expected:
 *
 *     -E_SYNTAX   an address, domain or template is not well formed
 *     -EEXIST     that name is taken
 *     -E_UNKNOWN  no such domain, account or alias
 *     -E_REFUSED  a rule says no: weak password, something still depends on it
 *     -E_CORRUPT, -E_TEMPORARY, -EROFS, -EIO, -ENOSPC ...   the file
 *
 * Results are in the arena that was passed.
 */
#pragma once

#include "base/buf.h"
#include "directory/directory.h"
#include "people/account.h"

/* Who orders a change, and what he insists on. */
struct order {
    struct slice by;         /* "root", "root (sudo: tama)": for the history */
    bool force;              /* although no administrator is left */
    bool instead_of_mailbox; /* although an account's mail no longer reaches its mailbox */
};

/* ------------------------------------------------------------------ domains */

/* `target` empty: a local domain; else another name for that local domain. */
int directory_domain_add(struct directory *d, const struct order *order, struct slice name,
                         struct slice target, struct problem *problem) WAITS;
int directory_domain_set_catch_all(struct directory *d, const struct order *order,
                                   struct slice name, struct slice target,
                                   struct problem *problem) WAITS; /* empty target: none */
int directory_domain_remove(struct directory *d, const struct order *order, struct slice name,
                            struct problem *problem) WAITS;

/* A page of domains by name: those behind `after` (or empty), at most `limit`. */
int directory_domain_list(struct directory *d, struct slice after, size_t limit, struct arena *a,
                          struct domain **ret, size_t *ret_count, struct problem *problem) WAITS;

/* ------------------------------------------------------------------ accounts */

int directory_account_add(struct directory *d, const struct order *order,
                          const struct account_new *account, uint64_t *ret_id,
                          struct problem *problem) WAITS;

/*
 * `count` accounts at once: the address of `like` holds one %d or %0Nd ("user%04d@example.test"),
 * numbered from `first`. All have the same password, so they share one hash until each person sets
 * a new one. Nothing is added when one of the addresses is taken already.
 */
int directory_account_add_many(struct directory *d, const struct order *order,
                               const struct account_new *like, uint64_t first, uint64_t count,
                               uint64_t *ret_added, struct problem *problem) WAITS;

int directory_account_show(struct directory *d, struct slice address, struct arena *a,
                           struct account *ret, struct problem *problem) WAITS;
int directory_account_by_id(struct directory *d, uint64_t id, struct arena *a, struct account *ret,
                            struct problem *problem) WAITS;

/* A page of accounts by number: those above `after_id`, at most `limit`; domain empty: all. */
int directory_account_list(struct directory *d, struct slice domain, uint64_t after_id,
                           size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                           struct problem *problem) WAITS;

int directory_account_set_enabled(struct directory *d, const struct order *order,
                                  struct slice address, bool enabled,
                                  struct problem *problem) WAITS;
int directory_account_set_password(struct directory *d, const struct order *order,
                                   struct slice address, struct slice password, bool accept_weak,
                                   struct problem *problem) WAITS;

/*
 * The APOP secret is a second password, kept so that it can be read again: APOP needs that (RFC
 * 1939 §7). It is sealed with the key of directory_options.key_path. Empty: no APOP any more.
 */
int directory_account_set_apop(struct directory *d, const struct order *order, struct slice address,
                               struct slice secret, struct problem *problem) WAITS;

/* Whether any account has an APOP secret: then POP3 greets with a timestamp. */
int directory_has_apop(struct directory *d, bool *ret, struct problem *problem) WAITS;

int directory_account_set_quota(struct directory *d, const struct order *order,
                                struct slice address, uint64_t quota,
                                struct problem *problem) WAITS;
int directory_account_set_name(struct directory *d, const struct order *order, struct slice address,
                               struct slice name, struct problem *problem) WAITS;

/*
 * Under which addresses the account may send beside its own: "own" (no others), "any", or one or
 * more lines of addresses and "@domain". Read back: "any", or the lines; empty: only its own.
 */
int directory_account_set_send_as(struct directory *d, const struct order *order,
                                  struct slice address, struct slice value,
                                  struct problem *problem) WAITS;
int directory_account_send_as(struct directory *d, struct slice address, struct arena *a,
                              struct slice *ret, struct problem *problem) WAITS;

int directory_account_set_admin(struct directory *d, const struct order *order,
                                struct slice address, bool admin, struct problem *problem) WAITS;

/* Notes what an account's mailboxes hold; never waits. Written a minute later at the latest. */
void directory_note_usage(struct directory *d, uint64_t id, uint64_t messages, uint64_t bytes);

/* Writes what was noted, when it is time. */
void directory_write_usage(struct directory *d) WAITS;

/* The same of all accounts that are in use, together; account is 0. */
int directory_total_usage(struct directory *d, struct account_usage *ret,
                          struct problem *problem) WAITS;

/*
 * Accounts of whose mailboxes nothing is known, from before that was told: at most `max` of them
 * above `after`.
 */
int directory_unknown_usage(struct directory *d, uint64_t after, struct account_place *list,
                            size_t max, size_t *ret_count, struct problem *problem) WAITS;

/* ------------------------------------------------------------------ accounts that were removed */

/*
 * Looks which accounts of another source than the file it has no longer, some at each call, and
 * begins anew an hour after the last: they become removed ones. One that the source has again comes
 * back when it is next asked for. Negative: the source cannot say now; it goes on with the next
 * call.
 */
int directory_look_who_left(struct directory *d) WAITS;

/*
 * Takes an account out of use at once: no login, and its address is nobody's (unless a catch-all
 * takes it), or a new account's. Its row, its places in aliases, the alias on its own address and
 * its messages are kept for directory_options.removed_keep and can be brought back. Refused while
 * it is the only target of an alias or a domain's catch-all, and for the last administrator unless
 * forced.
 */
int directory_account_remove(struct directory *d, const struct order *order, struct slice address,
                             uint64_t *ret_id, struct problem *problem) WAITS;

/*
 * Brings back a removed account, known by its address or its number: as it was, under its address
 * or another one (`as`, or empty). -EEXIST: the address has gone to somebody else; -E_REFUSED: it
 * is being purged, or several removed accounts had that address.
 */
int directory_account_restore(struct directory *d, const struct order *order, struct slice which,
                              struct slice as, struct account *ret, struct arena *a,
                              struct problem *problem) WAITS;

/* A page, as directory_account_list(). */
int directory_removed_list(struct directory *d, struct slice domain, uint64_t after_id,
                           size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                           struct problem *problem) WAITS;

/*
 * Giving up a removed account for ever has three steps, so that nothing is half after a crash: it
 * is marked, from when on nobody can bring it back; whoever owns the mailboxes deletes its files;
 * its row goes. Whoever finds a marked one takes the two other steps (directory_purges()).
 */
int directory_account_purge(struct directory *d, const struct order *order, struct slice which,
                            struct account *ret, struct arena *a, struct problem *problem) WAITS;
int directory_account_purged(struct directory *d, uint64_t id, struct problem *problem) WAITS;

/* Marks those whose time is over, and gives the marked ones above `after`, at most `max`. */
int directory_purges(struct directory *d, uint64_t after, struct account_place *list, size_t max,
                     size_t *ret_count, struct problem *problem) WAITS;

/* ------------------------------------------------------------------ the history */

/*
 * What was changed, by whom and when. It is kept here until somebody who keeps it for good says
 * that he has it (the event log, by the directory role), so that nothing is lost of what was
 * changed while nobody else ran. Never a secret: of a password only its kind.
 */
struct change_entry {
    uint64_t number; /* grows */
    usec_t wall;
    struct slice by;
    struct slice kind;          /* "account.quota" */
    struct slice name;          /* the account, alias or domain */
    struct slice before, after; /* texts for people; may be empty */
};

/* The oldest entries, at most `limit`. */
int directory_changes(struct directory *d, size_t limit, struct arena *a, struct change_entry **ret,
                      size_t *ret_count, struct problem *problem) WAITS;

/* Those up to this number are kept elsewhere now. */
int directory_changes_reported(struct directory *d, uint64_t number, struct problem *problem) WAITS;

/* "root changed the quota of tama@example.jp from none to 1G." On one line; long texts are cut. */
void change_entry_sentence(struct buf *to, const struct change_entry *e);

/* One for each enum sending_limit. */
int directory_account_limits(struct directory *d, struct slice address, struct arena *a,
                             struct account_limit ret[static SENDING_LIMITS],
                             struct problem *problem) WAITS;

/* SENDING_NO_LIMIT, SENDING_DEFAULT or a number. */
int directory_account_set_limit(struct directory *d, const struct order *order,
                                struct slice address, enum sending_limit limit, int64_t most,
                                struct problem *problem) WAITS;

/* ------------------------------------------------------------------ aliases */

/* A change after which an account of that address gets nothing any more is refused, unless it is
 * ordered so. */

/* Adds targets to an alias, which is made when missing. Local targets must exist, no circles. */
int directory_alias_add(struct directory *d, const struct order *order, struct slice address,
                        const struct slice *targets, size_t count, struct problem *problem) WAITS;

/* The same, but the targets replace what was there. */
int directory_alias_set(struct directory *d, const struct order *order, struct slice address,
                        const struct slice *targets, size_t count, struct problem *problem) WAITS;

/* Takes targets out of an alias; with count 0, or with its last target, the alias goes. */
int directory_alias_remove(struct directory *d, const struct order *order, struct slice address,
                           const struct slice *targets, size_t count,
                           struct problem *problem) WAITS;

/* A page of aliases in order of (domain, local part) behind `after` (an address, or empty). */
int directory_alias_list(struct directory *d, struct slice after, size_t limit, struct arena *a,
                         struct alias **ret, size_t *ret_count, struct problem *problem) WAITS;
