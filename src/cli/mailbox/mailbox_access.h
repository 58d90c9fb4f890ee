/* SPDX-License-Identifier: ISC */
/*
 * The mailboxes of one account for commands: through the mail process that owns them, or, while the
 * server does not run, on its files. The directory is asked first who that is.
 */
#pragma once

#include "cli/cli.h"
#include "people/account.h"
#include "rpc/calls.h"

struct mailbox_access;

/* The account with this address, which is in use. */
int mailbox_access_open(struct cli *c, struct slice address, struct mailbox_access **ret,
                        struct problem *problem) WAITS;
void mailbox_access_close(struct mailbox_access *x) WAITS; /* NULL is fine */
DEFINE_CLEANUP(struct mailbox_access, mailbox_access_close, WAITS)

/*
 * As the calls of the mail role: a page of removed messages, and bringing some back. The account,
 * its quota and who asks are filled in here.
 */
int access_deleted(struct mailbox_access *x, const struct rpc_mail_deleted_in *in, struct arena *a,
                   struct rpc_mail_deleted_out *out, struct problem *problem) WAITS;
int access_restore(struct mailbox_access *x, const struct rpc_mail_restore_in *in, struct arena *a,
                   struct rpc_mail_restore_out *out, struct problem *problem) WAITS;

/* The account begins with its INBOX alone; `ret_had_begun`: it had begun before. */
int access_begin_bare(struct mailbox_access *x, bool *ret_had_begun, struct problem *problem) WAITS;

/* The same for its mailboxes; role/mail/mail_mailboxes.h says what can go wrong. */
int access_mailboxes(struct mailbox_access *x, uint32_t after, uint32_t limit, struct arena *a,
                     struct rpc_mail_mailboxes_out *out, struct problem *problem) WAITS;
int access_change_mailbox(struct mailbox_access *x, const struct rpc_mail_change_mailbox_in *in,
                          struct arena *a, struct problem *problem) WAITS;
int access_mailbox_rights(struct mailbox_access *x, struct slice path, struct arena *a,
                          struct rpc_mail_mailbox_rights_out *out, struct problem *problem) WAITS;

/* And for messages in them; role/mail/mail_messages.h. */
int access_messages(struct mailbox_access *x, const struct rpc_mail_messages_in *in,
                    struct arena *a, struct rpc_mail_messages_out *out,
                    struct problem *problem) WAITS;
int access_message(struct mailbox_access *x, const struct rpc_mail_message_in *in, struct arena *a,
                   struct rpc_mail_message_out *out, struct problem *problem) WAITS;
int access_change_messages(struct mailbox_access *x, const struct rpc_mail_change_messages_in *in,
                           struct arena *a, struct rpc_mail_change_messages_out *out,
                           struct problem *problem) WAITS;

/* For the index of its texts, while the server runs: nobody else keeps it. */
int access_search_index(struct mailbox_access *x, bool rebuild,
                        struct rpc_mail_search_index_out *out, struct problem *problem) WAITS;

/* Writes what was done on the files into the event log; the access is of no more use then. */
int mailbox_access_report(struct cli *c, struct mailbox_access *x, struct problem *problem) WAITS;
