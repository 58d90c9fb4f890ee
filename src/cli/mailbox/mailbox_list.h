/* SPDX-License-Identifier: ISC */
/* The mailboxes of an account as a list, for commands that show them. */
#pragma once

#include "cli/mailbox/mailbox_access.h"

struct mailbox_list {
    struct rpc_mailbox *list; /* by their paths, the INBOX first; in the arena */
    size_t count;
    uint64_t quota;           /* bytes that the account may hold; 0: any */
    uint64_t messages, bytes; /* each once */
    uint64_t disk;
};

/* All of them, however many. */
int mailbox_list_read(struct mailbox_access *x, struct arena *a, struct mailbox_list *ret,
                      struct problem *problem) WAITS;

void mailbox_list_write(struct cli *c, const struct mailbox_list *l);
void mailbox_list_json(struct json *j, const struct mailbox_list *l);

/* What a mailbox is for: "sent", as in the settings; "": nothing special. */
const char *mailbox_use_name(uint8_t role);

/* The role that a word stands for, by its place in conf_use_words. */
uint8_t mailbox_use_role(uint64_t place);
