/* SPDX-License-Identifier: ISC */
/* Paths of mailboxes, as IMAP and commands write them: the names with IMAP_UNDER between them. */
#pragma once

#include "store/store.h"

#define IMAP_UNDER '/' /* stands between the names of mailboxes */

/* The mailbox with a path such as "Work/2026", INBOX in any case. -E_UNKNOWN. */
int imap_find_mailbox(const struct store_account *a, struct slice path, struct store_mailbox *ret);

/* The path of a mailbox, appended. */
void imap_mailbox_path(const struct store_account *a, uint32_t mailbox, struct buf *to);

/* Whether mailboxes can have all the names of a path. */
bool imap_path_is_good(struct slice path);

/* Whether it is the path of the mailbox, or leads to somewhere below it. */
bool imap_leads_through(const struct store_account *a, struct slice path, uint32_t mailbox);

bool imap_is_subscribed(const struct store_account *a, struct slice path);
bool imap_has_children(const struct store_account *a, uint32_t mailbox);

/* "\\Sent" of a special use (RFC 6154); NULL: it has none that is told. */
const char *imap_use_name(enum store_role role);

/*
 * Goes down a path as far as there are mailboxes: the last one that is there (0: none), and what is
 * left of the path.
 */
void imap_walk(const struct store_account *a, struct slice path, uint32_t *ret_parent,
               struct slice *ret_rest);
