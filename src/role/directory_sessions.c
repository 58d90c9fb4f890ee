/* SPDX-License-Identifier: ISC */
/*
 * A new password, or an account that is disabled or removed, ends what the account has open before
 * the change is answered: conversations at the edges, mailboxes, tickets that are on their way.
 *
 * Edges are told and not asked: one that is stuck holds nobody up. What they are told comes behind
 * what they were answered before, so none overlooks a login.
 */
#include "proc/process.h"
#include "role/directory_role.h"

#define END_LIMIT USEC_SEC
#define END_AGAIN (5 * USEC_MS)

/* One that cannot be reached has ended, and its sessions with it. */
static void end_at_edge(struct process *p, unsigned worker, uint64_t account) WAITS {
    struct rpc_edge_end_sessions_in in = {account};
    while (send_edge_end_sessions(process_link(p, ROLE_EDGE, worker), &in) == -E_LIMIT &&
           fiber_sleep(END_AGAIN) == 0)
        ;
}

static void end_at_mail(struct process *p, unsigned worker, uint64_t account, usec_t before) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_end_sessions_in in = {account, before};
    struct rpc_mail_end_sessions_out out;
    (void)call_mail_end_sessions(process_link(p, ROLE_MAIL, worker), &in, &a, &out, NULL);
}

/* Which mail process has the account is told by its shard; but a removed one has none any more. */
void directory_end_sessions(struct process *p, uint64_t account) {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + END_LIMIT);
    usec_t before = fiber_wall();
    for (unsigned w = 0; w < process_workers(p, ROLE_EDGE); w++)
        end_at_edge(p, w, account);
    for (unsigned w = 0; w < process_workers(p, ROLE_MAIL); w++)
        end_at_mail(p, w, account, before);
}
