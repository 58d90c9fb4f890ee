/* SPDX-License-Identifier: ISC */
/*
 * Handlers of the mail role for what commands ask: each calls the answer that the command gives
 * itself while nothing runs (mail_deleted.h, mail_mailboxes.h, mail_messages.h), and adds what was
 * done to the event log.
 */
#pragma once

#include "role/mail/mail.h"
#include "rpc/calls.h"

int mail_on_deleted(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_deleted_in *in, struct arena *a,
                    struct rpc_mail_deleted_out *out, struct problem *problem) WAITS;
int mail_on_restore(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_restore_in *in, struct arena *a,
                    struct rpc_mail_restore_out *out, struct problem *problem) WAITS;
int mail_on_begin_bare(void *arg, const struct rpc_caller *caller,
                       const struct rpc_mail_begin_bare_in *in, struct arena *a,
                       struct rpc_mail_begin_bare_out *out, struct problem *problem) WAITS;
int mail_on_mailboxes(void *arg, const struct rpc_caller *caller,
                      const struct rpc_mail_mailboxes_in *in, struct arena *a,
                      struct rpc_mail_mailboxes_out *out, struct problem *problem) WAITS;
int mail_on_change_mailbox(void *arg, const struct rpc_caller *caller,
                           const struct rpc_mail_change_mailbox_in *in, struct arena *a,
                           struct rpc_mail_change_mailbox_out *out, struct problem *problem) WAITS;
int mail_on_mailbox_rights(void *arg, const struct rpc_caller *caller,
                           const struct rpc_mail_mailbox_rights_in *in, struct arena *a,
                           struct rpc_mail_mailbox_rights_out *out, struct problem *problem) WAITS;
int mail_on_whose(void *arg, const struct rpc_caller *caller, const struct rpc_mail_whose_in *in,
                  struct arena *a, struct rpc_mail_whose_out *out, struct problem *problem);
int mail_on_index_left(void *arg, const struct rpc_caller *caller,
                       const struct rpc_mail_index_left_in *in, struct arena *a,
                       struct rpc_mail_index_left_out *out, struct problem *problem);
int mail_on_search_index(void *arg, const struct rpc_caller *caller,
                         const struct rpc_mail_search_index_in *in, struct arena *a,
                         struct rpc_mail_search_index_out *out, struct problem *problem) WAITS;
int mail_on_messages(void *arg, const struct rpc_caller *caller,
                     const struct rpc_mail_messages_in *in, struct arena *a,
                     struct rpc_mail_messages_out *out, struct problem *problem) WAITS;
int mail_on_message(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_message_in *in, struct arena *a,
                    struct rpc_mail_message_out *out, struct problem *problem) WAITS;
int mail_on_change_messages(void *arg, const struct rpc_caller *caller,
                            const struct rpc_mail_change_messages_in *in, struct arena *a,
                            struct rpc_mail_change_messages_out *out,
                            struct problem *problem) WAITS;
