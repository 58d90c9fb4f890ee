/* SPDX-License-Identifier: ISC */
/*
 * Inside the directory role: its state, and what it does beside answering: it hands the history of
 * changes to the event log, has the mailboxes of removed accounts deleted when their time is over,
 * and knows what mailboxes hold.
 */
#pragma once

#include "base/map.h"
#include "directory/admin.h"
#include "message/address/domain.h"
#include "proc/process.h"
#include "role/change_page.h"
#include "role/mail/ended_logins.h"

struct directory_role {
    struct directory *directory;
    struct ended_logins ended;
    struct change_page changes; /* of what addresses lead to; see role/routes.h */
    struct fiber_mutex telling; /* one hands over the history at a time */
    struct fiber *upkeep;
    struct map conversations;        /* logins of several steps: directory_login.c */
    bool keys_know;                  /* which domains there are: directory_keys.c */
    char keys_after[DOMAIN_MAX + 1]; /* as far as they were told */
};

static inline struct directory_role *directory_role(const struct process *p) {
    return p->state;
}

static inline struct directory *directory_of(const struct process *p) {
    return directory_role(p)->directory;
}

int directory_upkeep_start(struct process *p);
void directory_upkeep_stop(struct process *p) WAITS;

/*
 * Hands what is in the history to the event log, as far as that is possible within two seconds; the
 * rest follows in a while. For the end of every change, so that whoever made it finds it in the
 * log.
 */
void directory_report_history(struct process *p) WAITS;

/* Has the mail processes tell what has changed. What does not answer soon is left as it is known.
 */
void directory_ask_usage(struct process *p) WAITS;

/* The two later steps of a purge (directory/admin.h). */
int directory_purge_files(struct process *p, const struct account_place *purge,
                          struct problem *problem) WAITS;

/*
 * Ends what an account has open, and makes void what was given out for its logins; within a second.
 */
void directory_end_sessions(struct process *p, uint64_t account) WAITS;

/* What the account may hold has changed: its sessions, which may last for days, hear of it. */
void directory_tell_quota(struct process *p, const struct account *account) WAITS;

/* The handler of directory.renew_ticket (directory_sessions.c). */
int directory_on_renew_ticket(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_renew_ticket_in *in, struct arena *a,
                              struct rpc_directory_renew_ticket_out *out, struct problem *problem);

/*
 * Tells the keys role, for its DKIM keys, that a domain is there now, or has gone; all of them,
 * unless it knows. What fails is told again later.
 */
void directory_keys_changed(struct process *p, struct slice name, bool is_there) WAITS;
void directory_keys_tell(struct process *p) WAITS;

/* Whether a mail process, one of so many, has the mailbox of an account. */
bool directory_usage_is_of(uint64_t account, unsigned worker, unsigned workers);

/* The handler of directory.usage. What is told of others' mailboxes counts for nothing. */
int directory_on_usage(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_usage_in *in);

/* The handlers of directory.share, .owner and .owners (directory_sharing.c). */
int directory_on_share(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_share_in *in, struct arena *a,
                       struct rpc_directory_share_out *out, struct problem *problem) WAITS;
int directory_on_owner(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_owner_in *in, struct arena *a,
                       struct rpc_directory_owner_out *out, struct problem *problem) WAITS;
int directory_on_owners(void *arg, const struct rpc_caller *caller,
                        const struct rpc_directory_owners_in *in, struct arena *a,
                        struct rpc_directory_owners_out *out, struct problem *problem) WAITS;

/* The handlers of directory.account_import and directory.alias_import (directory_import.c). */
int directory_on_account_import(void *arg, const struct rpc_caller *caller,
                                const struct rpc_directory_account_import_in *in, struct arena *a,
                                struct rpc_directory_account_import_out *out,
                                struct problem *problem) WAITS;
int directory_on_alias_import(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_alias_import_in *in, struct arena *a,
                              struct rpc_directory_alias_import_out *out,
                              struct problem *problem) WAITS;

/* The handlers of directory.login and directory.login_step (directory_login.c). */
int directory_on_login(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_login_in *in, struct arena *a,
                       struct rpc_directory_login_out *out, struct problem *problem) WAITS;
int directory_on_login_step(void *arg, const struct rpc_caller *caller,
                            const struct rpc_directory_login_step_in *in, struct arena *a,
                            struct rpc_directory_login_step_out *out,
                            struct problem *problem) WAITS;
