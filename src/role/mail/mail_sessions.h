/* SPDX-License-Identifier: ISC */
/*
 * The conversations in the mail role, by whatever door they came (doors.h): taking them over from
 * the edge, and ending them.
 */
#pragma once

#include "io/net.h"
#include "io/stream.h"
#include "role/mail/mail.h"

struct mail_session {
    struct link link; /* in mail.sessions */
    struct process *process;
    const struct door *door;
    struct fiber *fiber;
    struct stream *stream;
    uint64_t account;
    char *address; /* owned; there may be thousands of sessions */
    char peer[NET_TEXT_SIZE];
    char *owner;   /* of a visit (mail_others.h): whose account it is; else NULL */
    uint64_t home; /* account of the user */
    uint64_t home_quota;
    struct buf passed_on; /* by the door's first half (edge_login.h) */
    uint64_t quota;       /* of the account, in bytes; 0: the usual one */
    uint64_t allowed;     /* bytes that it may hold just now, by that; 0: no limit */
    usec_t events_keep;   /* so long the journey of a message is known; for mail_gone.h */
    bool tls;
    unsigned edge;     /* which one handed it over; with TLS it carries the bytes, */
    uint64_t carried;  /* of its connection with this number */
    const char *ended; /* it is to end, and why, as its client may be told; NULL: it goes on */
};

/* Why sessions are ended: struct mail_session.ended. */
#define MAIL_ENDED_LOGIN "the account has changed, please log in again"
#define MAIL_ENDED_OWNER "the account of the mailbox has changed, please select it again"
#define MAIL_ENDED_STOP  "the server is being stopped"
#define MAIL_ENDED_CROWD "the account has too many conversations, and this one was silent"

/*
 * So many an account may have at a time. Edges bound what an address may have up to the login; this
 * bounds what comes behind it, and what an edge in the hands of a stranger can do to the mailboxes
 * of others with one login. Before a further one is refused, the one goes that has been silent
 * longest, if it was for MAIL_SILENT: a phone that has changed networks leaves some behind, and
 * nobody says that they are dead.
 */
#define MAIL_SESSIONS_MAX 100U
#define MAIL_SILENT       (5 * USEC_MIN)

void mail_sessions_init(struct mail *m);

/* Takes over a conversation; answers the call as soon as it is taken over. */
int mail_on_session(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_session_in *in, struct arena *a,
                    struct rpc_mail_session_out *out, struct problem *problem);

/* Begins a visit (mail_others.h); answers the call as soon as it has begun. Takes over the
 * descriptor in any case. */
int mail_on_visit(void *arg, const struct rpc_caller *caller, const struct rpc_mail_visit_in *in,
                  struct arena *a, struct rpc_mail_visit_out *out, struct problem *problem);

/* Ends those of one account, and opens none for tickets that were made before. */
int mail_on_end_sessions(void *arg, const struct rpc_caller *caller,
                         const struct rpc_mail_end_sessions_in *in, struct arena *a,
                         struct rpc_mail_end_sessions_out *out, struct problem *problem);

/* The account of a session may hold another number of bytes. */
int mail_on_set_quota(void *arg, const struct rpc_caller *caller,
                      const struct rpc_mail_set_quota_in *in, struct arena *a,
                      struct rpc_mail_set_quota_out *out, struct problem *problem);

/* So may those that have no quota of their own. */
void mail_sessions_usual_quota(struct mail *m, uint64_t quota);

/* Ends those that the calling edge carries. */
int mail_on_farewell(void *arg, const struct rpc_caller *caller,
                     const struct rpc_mail_farewell_in *in);

/* Ends all conversations and waits for that: what was not said to be removed stays. */
void mail_end_sessions(struct mail *m) WAITS;
