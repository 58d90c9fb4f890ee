/* SPDX-License-Identifier: ISC */
/*
 * Which messages of an account a command is about: those that a search finds (keys of IMAP's SEARCH
 * as words of the command line), in all mailboxes or one, or those with these ids.
 */
#pragma once

#include "cli/mailbox/mailbox_list.h"

/* A search in a mailbox, or in all of them. */
struct message_search_in {
    struct slice path, query;
};

struct message_selection {
    struct mailbox_list mailboxes; /* of the account */
    struct message_search_in *searches;
    size_t count;
};

/* The parameters that message_select() reads. */
#define MESSAGE_SELECT                                                                             \
    ARGUMENT("KEY", .optional = true, .many = true,                                                \
             .about = N_("keys of a search: FROM hana SINCE 1-Nov-2026 UNSEEN; without any, every" \
                         " message")),                                                             \
        OPTION("mailbox", "NAME", .offers = CLI_OFFER_MAILBOXES,                                   \
               .about = N_("only in the mailbox of this name")),                                   \
        OPTION("id", "ID", .many = true,                                                           \
               .about = N_("the messages with these ids, such as 1:23, as `hayauma message list`"  \
                           " shows them"))

/* "1:23": the number of a mailbox and a UID in it. -E_SYNTAX, with a sentence. */
int message_id_parse(struct slice text, uint32_t *ret_mailbox, uint32_t *ret_uid,
                     struct problem *problem);

/* In the arena of the command. -E_SYNTAX, -E_UNKNOWN (a mailbox). */
int message_select(struct cli *c, struct mailbox_access *x, struct message_selection *ret,
                   struct problem *problem) WAITS;

/* The name of a mailbox of the account by its number. */
struct slice message_mailbox_name(const struct message_selection *s, uint32_t mailbox);

/*
 * Calls `each` for the messages, at most `limit`, page by page: mailbox by mailbox, the newest
 * first. `ret_more`: there may be more of them. `each` does not wait.
 */
int message_each(struct mailbox_access *x, const struct message_selection *s, bool details,
                 uint64_t limit,
                 void (*each)(void *arg, const struct rpc_listed_message *list, size_t count,
                              struct arena *a),
                 void *arg, bool *ret_more, struct problem *problem) WAITS;

/* ------------------------------------------------------------------ how they are shown */

#define JSON_MESSAGE                                                                               \
    "{\"id\": text, \"mailbox\": text, \"date\": time, \"size\": number, \"flags\": [text], "      \
    "\"keywords\": [text], \"keywords_left_out\"?: number, \"from\": text, \"subject\": text}"

extern const struct table_column message_columns[];
extern const size_t message_column_count;

void message_row(struct table *t, const struct message_selection *s,
                 const struct rpc_listed_message *m, struct arena *a);
void message_json(struct json *j, struct slice mailbox, const struct rpc_listed_message *m,
                  struct arena *a);

/* "seen, answered", in the language of the user; empty: none. */
struct slice message_flags(const struct rpc_listed_message *m, struct arena *a);
