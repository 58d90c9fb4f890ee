/* SPDX-License-Identifier: ISC */
/*
 * Inside the mail role: its state.
 *
 *     mail.c           deliveries, purges
 *     mail_calls.c     whose an account is; calls that use it
 *     mail_asked.c     what commands ask
 *     mail_deleted.c   removed messages: listed, brought back
 *     mail_gone.c      what readers move and delete, told to the event log
 *     mail_mailboxes.c mailboxes: listed, made, renamed, removed; who may do what in them
 *     mail_messages.c  messages: searched, shown, copied, moved, deleted
 *     mail_sessions.c  conversations that come from the edge
 *     mail_pop3.c      POP3
 *     mail_imap.c      IMAP
 *     mail_others.c    mailboxes that accounts share
 *     mail_usage.c     what the directory is told of what the mailboxes hold
 */
#pragma once

#include "base/map.h"
#include "events/kinds.h"
#include "fiber/turn.h"
#include "proc/process.h"
#include "role/doors.h"
#include "role/mail/ended_logins.h"
#include "search/indexes.h"
#include "store/store.h"

/* What was said of an account, and when: a place for each of so many, whoever comes last has it. */
#define MAIL_TOLD_PLACES 256U

struct mail_told {
    uint64_t what; /* hash of the number and the sentence */
    usec_t when;
};

/*
 * How much of what readers move and delete still goes to the event log (mail_gone.h): a place for
 * each of so many accounts, which a few may share. Nobody fills the log for all by moving his own
 * messages to and fro.
 */
#define MAIL_GONE_PLACES 256U
#define MAIL_GONE_BURST  1000U
#define MAIL_GONE_EVERY  (3600 * USEC_MS) /* one more: 1,000 an hour */

struct mail_gone_left {
    usec_t when; /* of the last look; 0: nothing was told yet */
    uint64_t left;
};

struct mail {
    struct store *store;
    struct search_indexes *indexes; /* of its accounts */
    unsigned workers;               /* mail processes that share the accounts */
    const struct doors *doors;
    struct list sessions; /* struct mail_session */
    struct fiber_cond session_ended;
    unsigned session_count;
    struct map session_counts; /* of each account that has some */
    struct fiber_turns sorting;
    struct imap_results *results; /* of SORT and THREAD */
    uint64_t held;                /* by IMAP sessions, of long commands */
    struct ended_logins ended;
    uint64_t usual_quota; /* of an account that has none of its own; 0: no limit */
    bool stopping;        /* nothing is begun any more */
    unsigned calls;       /* under way, that use the store */
    struct fiber_cond calls_done;
    struct map used; /* accounts whose usage has to be told: number -> itself */
    struct fiber_cond used_filled;
    struct map shared; /* accounts whose rights have to be told: mail_others.c */
    struct fiber_mutex telling_shared;
    struct fiber_mutex telling; /* who waits for it knows that all has been told */
    struct fiber *reporter;
    struct mail_told told[MAIL_TOLD_PLACES];
    struct mail_gone_left gone[MAIL_GONE_PLACES];
    struct list gone_notes; /* of mail_gone.c: what is to be told */
    size_t gone_count;
    struct fiber_cond gone_noted;
    struct fiber *gone_teller;
};

/* Whether this process has the account; another one would be a second writer of its files. */
bool mail_owns(const struct process *p, uint64_t account);

/*
 * Calls that use an account stand between these two, so that the store is not closed under them; 0:
 * any account. NULL, and a sentence: the role is being stopped, or another process has the account.
 */
struct mail *mail_call_begin(struct process *p, uint64_t account, struct problem *problem);
void mail_call_end(struct mail **m);

/*
 * Whether a sentence about an account goes to the event log: not if it did within ten minutes. What
 * fails on a full disk fails again each second, for each account.
 */
bool mail_is_news(struct mail *m, uint64_t account, const char *text);

/* An account has been used (store_options.used); does not wait. */
void mail_note_used(void *process, uint64_t account);

/* Tells the directory what the mailboxes hold that have been used since the last time. */
int mail_report_usage(struct process *p) WAITS;
int mail_usage_start(struct process *p);
void mail_usage_stop(struct process *p) WAITS; /* tells what is left */
