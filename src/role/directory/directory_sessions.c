/* SPDX-License-Identifier: ISC */
/*
 * A new password, or an account that is disabled or removed, ends what the account has open before
 * the change is answered: conversations at the edges, mailboxes, tickets that are on their way.
 *
 * Edges are told and not asked: one that is stuck holds nobody up. What they are told comes behind
 * what they were answered before, so none overlooks a login.
 */
#include "proc/process.h"
#include "role/directory/directory_role.h"
#include "role/ticket.h"

#define END_LIMIT USEC_SEC
#define END_AGAIN (5 * USEC_MS)

/* Which mail process has the account is told by its shard; but a removed one has none any more. */
void directory_end_sessions(struct process *p, uint64_t account) {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + END_LIMIT);
    usec_t before = fiber_wall();
    ended_logins_add(&directory_role(p)->ended, account, before);
    /* a process that cannot be reached has ended, and its sessions with it */
    for (unsigned w = 0; w < process_workers(p, ROLE_EDGE); w++) {
        struct rpc_edge_end_sessions_in in = {account};
        while (send_edge_end_sessions(process_link(p, ROLE_EDGE, w), &in) == -E_LIMIT &&
               fiber_sleep(END_AGAIN) == 0)
            ;
    }
    for (unsigned w = 0; w < process_workers(p, ROLE_MAIL); w++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_mail_end_sessions_in in = {account, before};
        struct rpc_mail_end_sessions_out out;
        (void)call_mail_end_sessions(process_link(p, ROLE_MAIL, w), &in, &a, &out, NULL);
    }
}

/* As above, those are asked that may have sessions of it. */
void directory_tell_quota(struct process *p, const struct account *account) {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + END_LIMIT);
    for (unsigned w = 0; w < process_workers(p, ROLE_MAIL); w++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_mail_set_quota_in in = {account->id, account->quota};
        struct rpc_mail_set_quota_out out;
        (void)call_mail_set_quota(process_link(p, ROLE_MAIL, w), &in, &a, &out, NULL);
    }
}

/* All that ends a login comes through the function above, so nothing has to be looked up. */
int directory_on_renew_ticket(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_renew_ticket_in *in, struct arena *a,
                              struct rpc_directory_renew_ticket_out *out, struct problem *problem) {
    struct process *p = arg;
    usec_t now = fiber_wall();
    (void)caller;
    const struct ticket_for who = {in->service, in->account, in->address};
    if (ticket_check(p->secret, in->ticket, &who, now, TICKET_RENEWABLE) < 0 ||
        ended_logins_have(&directory_role(p)->ended, in->account, ticket_made(in->ticket)))
        return problem_set(problem, -E_REFUSED, "this login counts no more");
    out->ticket = ticket_make(p->secret, &who, now, a);
    return 0;
}
