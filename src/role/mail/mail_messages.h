/* SPDX-License-Identifier: ISC */
/*
 * The answers to what commands ask about messages in mailboxes (mail_mailboxes.h is about those),
 * for the mail role and for a command that works on the files itself. What is searched for is said
 * in the keys of IMAP's SEARCH, and found by its engine (imap/search/find.h), so both find the
 * same.
 */
#pragma once

#include "role/mail/mail_mailboxes.h"
#include "search/indexes.h"

enum mail_message_change {
    MAIL_COPY_MESSAGES,
    MAIL_MOVE_MESSAGES,
    MAIL_DELETE_MESSAGES,
    MAIL_MESSAGE_CHANGES,
};

/*
 * With `indexes`, of the store, only those are read that may have the texts; NULL: all are.
 * Looks at so many messages as one call does, wanted or not, and says where the next one goes on:
 * so neither its time nor its memory grows with the mailboxes. -E_SYNTAX: the query, with a
 * sentence that says where.
 */
int mail_answer_messages(struct store *s, struct search_indexes *indexes,
                         const struct rpc_mail_messages_in *in, struct arena *a,
                         struct rpc_mail_messages_out *out, struct problem *problem) WAITS;

/* -E_UNKNOWN: it is not there, or not any more. */
int mail_answer_message(struct store *s, const struct rpc_mail_message_in *in, struct slice by,
                        struct arena *a, struct rpc_mail_message_out *out, struct mail_done *done,
                        struct problem *problem) WAITS;

int mail_answer_change_messages(struct store *s, const struct rpc_mail_change_messages_in *in,
                                struct slice by, struct arena *a,
                                struct rpc_mail_change_messages_out *out, struct mail_done *done,
                                struct problem *problem) WAITS;
