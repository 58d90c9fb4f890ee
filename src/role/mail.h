/* SPDX-License-Identifier: ISC */
/*
 * Inside the mail role: its state.
 *
 *     mail.c           deliveries, purges
 *     mail_sessions.c  conversations that come from the edge
 *     mail_pop3.c      POP3
 *     mail_usage.c     what the directory is told of what the mailboxes hold
 */
#pragma once

#include "base/map.h"
#include "events/kinds.h"
#include "proc/process.h"
#include "role/doors.h"
#include "role/ended_logins.h"
#include "store/store.h"

struct mail {
    struct store *store;
    unsigned workers; /* mail processes that share the accounts */
    const struct doors *doors;
    struct list sessions; /* struct mail_session */
    struct fiber_cond session_ended;
    unsigned session_count;
    struct ended_logins ended;
    struct map used; /* accounts whose usage has to be told: number -> itself */
    struct fiber_cond used_filled;
    struct fiber_mutex telling; /* who waits for it knows that all has been told */
    struct fiber *reporter;
};

/* An account has been used (store_options.used); does not wait. */
void mail_note_used(void *process, uint64_t account);

/* Tells the directory what the mailboxes hold that have been used since the last time. */
int mail_report_usage(struct process *p) WAITS;
int mail_usage_start(struct process *p);
void mail_usage_stop(struct process *p) WAITS; /* tells what is left */
