/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes that accounts share with each other, in the mail role. Who shares with whom is asked of
 * the directory (directory/sharing.h), which the mail processes tell.
 *
 * A session of a user visits the account of an owner: a session of its own in the process that has
 * that account, this one or another (mail.visit), at one end of a pair of sockets of which the
 * user's session has the other. The call says who the user is: his process has seen his ticket, and
 * the mail processes believe each other. What he may do there is judged there. `service` and
 * `passed_on` are a door's own, so other protocols than IMAP can have visits, too.
 */
#pragma once

#include "imap/session.h"
#include "role/mail/mail_sessions.h"

/* What IMAP asks; its argument is the struct mail_session. */
extern const struct imap_others mail_imap_others;

/* Stores a message that a user has copied from another account (mail.bring). */
int mail_on_bring(void *arg, const struct rpc_caller *caller, const struct rpc_mail_bring_in *in,
                  struct arena *a, struct rpc_mail_bring_out *out, struct problem *problem) WAITS;

/* The rights that an account gives have changed, or may have (store_options.shared); does not wait.
 */
void mail_note_shared(void *process, uint64_t account);

/* Tells the directory of those; what could not be told is told later. */
int mail_tell_shared(struct process *p) WAITS;
