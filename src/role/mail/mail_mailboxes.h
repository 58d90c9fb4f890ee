/* SPDX-License-Identifier: ISC */
/*
 * The answers to what commands ask about the mailboxes of an account, for the mail role and for a
 * command that works on the files itself. Paths have "/" between the names; whoever calls may write
 * them in any form of Unicode, and INBOX in any case.
 */
#pragma once

#include "events/event.h"
#include "rpc/calls.h"
#include "store/store.h"

enum mail_mailbox_change {
    MAIL_CREATE_MAILBOX,
    MAIL_RENAME_MAILBOX,
    MAIL_REMOVE_MAILBOX,
    MAIL_SET_RIGHTS,
    MAIL_MAILBOX_CHANGES,
};

/* What was done, for the event log; whoever calls adds it there. `kind` NULL: nothing was. */
#define MAIL_DONE_FACTS 6U
struct mail_done {
    const char *kind;
    struct event_fact facts[MAIL_DONE_FACTS];
    size_t fact_count;
    struct slice text;
};

int mail_answer_begin_bare(struct store *s, const struct rpc_mail_begin_bare_in *in,
                           struct rpc_mail_begin_bare_out *out, struct problem *problem) WAITS;

/* `in->quota` is the limit that holds. */
int mail_answer_mailboxes(struct store *s, const struct rpc_mail_mailboxes_in *in, struct arena *a,
                          struct rpc_mail_mailboxes_out *out, struct problem *problem) WAITS;

/*
 * `by` is who does it. -E_UNKNOWN: no such mailbox; -EEXIST, -ENOTEMPTY, -E_BUSY (there are some
 * below it), -E_REFUSED: a rule says no; -E_SYNTAX: a name, right or identifier that cannot be.
 */
int mail_answer_change_mailbox(struct store *s, const struct rpc_mail_change_mailbox_in *in,
                               struct slice by, struct arena *a, struct mail_done *done,
                               struct problem *problem) WAITS;

int mail_answer_mailbox_rights(struct store *s, const struct rpc_mail_mailbox_rights_in *in,
                               struct arena *a, struct rpc_mail_mailbox_rights_out *out,
                               struct problem *problem) WAITS;

/* For calls about a mailbox: opens the account, and finds the mailbox with this path. */
int mail_open_asked(struct store *s, uint64_t account, struct store_account **ret,
                    struct problem *problem) WAITS;
int mail_find_mailbox(const struct store_account *account, struct slice path, struct arena *a,
                      struct store_mailbox *ret, struct problem *problem);

/* The path of a mailbox, in the arena. */
struct slice mail_mailbox_path(const struct store_account *account, uint32_t mailbox,
                               struct arena *a);
