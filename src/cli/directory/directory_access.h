/* SPDX-License-Identifier: ISC */
/*
 * The directory for commands: asks the directory process while the server runs, and opens the
 * file itself while it does not, with the same functions and the same results (directory/admin.h).
 * Working on the file it holds the lock of the state directory and, as root, is in the file's
 * folder as its owner until it is closed (enter.h): no other path can be used meanwhile.
 */
#pragma once

#include "cli/cli.h"
#include "directory/admin.h"
#include "directory/import.h"

struct directory_access;

/*
 * Errors of opening: -E_BUSY: another command is at work on the files; -EACCES, the file's own;
 * -EBADMSG: settings that the directory needs have errors. Of errors in others a warning is said.
 */
int directory_access_open(struct cli *c, struct directory_access **ret,
                          struct problem *problem) WAITS;

void directory_access_close(struct directory_access *x) WAITS;
DEFINE_CLEANUP(struct directory_access, directory_access_close, WAITS)

/* True when the server is running. */
bool directory_access_is_remote(const struct directory_access *x);

int access_resolve(struct directory_access *x, struct slice address, struct arena *a,
                   struct route *ret, struct problem *problem) WAITS;

int access_domain_add(struct directory_access *x, struct slice name, struct slice target,
                      struct problem *problem) WAITS;
int access_domain_catch_all(struct directory_access *x, struct slice name, struct slice target,
                            struct problem *problem) WAITS;
int access_domain_remove(struct directory_access *x, struct slice name,
                         struct problem *problem) WAITS;

/* All of them, however many; the other one for who has a link, or a directory, of his own. */
int access_domain_list(struct directory_access *x, struct arena *a, struct domain **ret,
                       size_t *ret_count, struct problem *problem) WAITS;
struct rpc_link;
int access_domains_of(struct rpc_link *link, struct directory *here, struct arena *a,
                      struct domain **ret, size_t *ret_count, struct problem *problem) WAITS;

/* What the mailboxes of all accounts hold; of a link, or a directory, as above. */
int access_total_usage_of(struct rpc_link *link, struct directory *here, struct account_usage *ret,
                          struct problem *problem) WAITS;

/* `count` 0: a single one, whose number is *ret, and so many accounts give rights to its address
 * already; else so many, *ret is their count. */
int access_account_add(struct directory_access *x, const struct account_new *account,
                       uint64_t first, uint64_t count, uint64_t *ret, uint64_t *ret_shared,
                       struct problem *problem) WAITS;
int access_account_show(struct directory_access *x, struct slice address, struct arena *a,
                        struct account *ret, struct problem *problem) WAITS;

int access_account_send_as(struct directory_access *x, struct slice address, struct arena *a,
                           struct slice *ret, struct problem *problem) WAITS;
int access_account_limits(struct directory_access *x, struct slice address, struct arena *a,
                          struct account_limit ret[static SENDING_LIMITS],
                          struct problem *problem) WAITS;

/* At most ACCESS_PAGE at a time; of a running server `spelled` is empty. */
#define ACCESS_PAGE 200U
int access_account_list(struct directory_access *x, bool removed, struct slice domain,
                        uint64_t after, size_t limit, struct arena *a, struct account **ret,
                        size_t *ret_count, struct problem *problem) WAITS;

/* `what` and `value` as directory_files_set() takes them. `force` here and below: struct order. */
int access_account_set(struct directory_access *x, struct slice address, const char *what,
                       struct slice value, bool accept_weak, bool force,
                       struct problem *problem) WAITS;

/* `ret_until`: how long it can be brought back; 0: until somebody purges it. */
int access_account_remove(struct directory_access *x, struct slice address, bool force,
                          uint64_t *ret_id, usec_t *ret_until, struct problem *problem) WAITS;
int access_account_restore(struct directory_access *x, struct slice which, struct slice as,
                           struct arena *a, struct account *ret, struct problem *problem) WAITS;

/*
 * Gives an account up for ever. While the server runs its processes delete the files;
 * `ret_left` says why they could not yet, or is empty. Otherwise it is only marked: whoever calls
 * deletes the files and then says so with access_account_purged().
 */
int access_account_purge(struct directory_access *x, struct slice which, struct arena *a,
                         struct account *ret, struct slice *ret_left,
                         struct problem *problem) WAITS;
int access_account_purged(struct directory_access *x, uint64_t id, struct problem *problem) WAITS;

enum access_change { ACCESS_ADD, ACCESS_SET, ACCESS_REMOVE };
int access_alias_change(struct directory_access *x, enum access_change change, struct slice address,
                        const struct slice *targets, size_t count, bool instead,
                        struct problem *problem) WAITS;
/* Fewer than ACCESS_PAGE may be followed by more: none are left when there are none. */
int access_alias_list(struct directory_access *x, struct slice after, struct arena *a,
                      struct alias **ret, size_t *ret_count, struct problem *problem) WAITS;

/*
 * directory/import.h: at most ACCESS_IMPORT accounts, and ACCESS_ALIASES aliases with
 * ACCESS_IMPORT_BYTES of addresses in all, at a time; no text may have more than
 * ACCESS_IMPORT_TEXT bytes. Weak passwords are taken in all or none of a list.
 */
#define ACCESS_IMPORT       500U
#define ACCESS_ALIASES      5000U
#define ACCESS_IMPORT_BYTES ((size_t)1 << 20)
#define ACCESS_IMPORT_TEXT  500U
int access_account_import(struct directory_access *x, const struct account_new *list, size_t count,
                          bool trial, struct arena *a, struct import_result *ret,
                          struct problem *problem) WAITS;
int access_alias_import(struct directory_access *x, const struct alias *list, size_t count,
                        bool trial, struct arena *a, struct import_result *ret,
                        struct problem *problem) WAITS;
