/* SPDX-License-Identifier: ISC */
/*
 * The conversations in the mail role, by whatever door they came (doors.h): taking them over from
 * the edge, and ending them.
 */
#pragma once

#include "io/stream.h"
#include "role/mail.h"

struct mail_session {
    struct link link; /* in mail.sessions */
    struct process *process;
    const struct door *door;
    struct fiber *fiber;
    struct stream *stream;
    uint64_t account;
    char *address, *peer; /* owned; there may be thousands of sessions */
    struct buf passed_on; /* by the door's first half (edge_login.h) */
    bool tls;
    bool ended; /* its login counts no more */
};

/*
 * So many an account may have at a time. Edges bound what one address may have; this bounds what an
 * edge in the hands of a stranger can do to the mailboxes of others with one login.
 */
#define MAIL_SESSIONS_MAX 100U

void mail_sessions_init(struct mail *m);

/* Takes over a conversation; answers the call as soon as it is taken over. */
int mail_on_session(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_session_in *in, struct arena *a,
                    struct rpc_mail_session_out *out, struct problem *problem);

/* Ends those of one account, and opens none for tickets that were made before. */
int mail_on_end_sessions(void *arg, const struct rpc_caller *caller,
                         const struct rpc_mail_end_sessions_in *in, struct arena *a,
                         struct rpc_mail_end_sessions_out *out, struct problem *problem);

/* Ends all conversations and waits for that: what was not said to be removed stays. */
void mail_end_sessions(struct mail *m) WAITS;
