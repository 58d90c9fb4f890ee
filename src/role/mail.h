/* SPDX-License-Identifier: ISC */
/*
 * Inside the mail role: its state, and the doors through which readers come.
 */
#pragma once

#include "base/map.h"
#include "events/kinds.h"
#include "role/roles.h"
#include "store/store.h"

struct mail {
    struct store *store;
    struct list sessions; /* struct mail_session of mail_pop3.c */
    struct fiber_cond session_ended;
    unsigned session_count;
    struct list ended;      /* struct ended_login of mail_pop3.c, oldest first */
    usec_t began, began_at; /* wall time, monotonic: what was ended before is not known */
    struct map used;        /* accounts whose usage has to be told: number -> itself */
    struct fiber_cond used_filled;
    struct fiber_mutex telling; /* who waits for it knows that all has been told */
    struct fiber *reporter;
};

/* Takes over a POP3 conversation; answers the call as soon as it is taken over. */
int mail_on_pop3(void *arg, const struct rpc_caller *caller, const struct rpc_mail_pop3_in *in,
                 struct arena *a, struct rpc_mail_pop3_out *out, struct problem *problem);

/* Ends those of one account, and opens none for tickets that were made before. */
int mail_on_end_sessions(void *arg, const struct rpc_caller *caller,
                         const struct rpc_mail_end_sessions_in *in, struct arena *a,
                         struct rpc_mail_end_sessions_out *out, struct problem *problem);

/* An account has been used (store_options.used); does not wait. */
void mail_note_used(void *process, uint64_t account);

/* Tells the directory what the mailboxes hold that have been used since the last time. */
int mail_report_usage(struct process *p) WAITS;
int mail_usage_start(struct process *p);
void mail_usage_stop(struct process *p) WAITS; /* tells what is left */

/* Ends all conversations and waits for that: what was not said to be removed stays. */
void mail_end_sessions(struct mail *m) WAITS;
