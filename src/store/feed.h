/* SPDX-License-Identifier: ISC */
/*
 * The change feed of an account: in which mailboxes something has happened to messages, what kind
 * of change it was, and what has become of the names of mailboxes. With store_watch(), which says
 * that there is something, and store_property_changes() it is all that one who follows an account
 * needs (NOTIFY of IMAP, RFC 5465), at the cost of what has changed, whatever else there is.
 *
 * It begins when the account comes into memory: `since` is a MODSEQ that the caller has seen while
 * he had the account open. Nothing here waits, and `each` must not.
 */
#pragma once

#include "store/store.h"

/* The MODSEQ of the last change of each kind; 0: none. */
struct store_mailbox_changes {
    uint64_t arrived;  /* messages came: delivered, copied, moved here */
    uint64_t vanished; /* messages went */
    uint64_t flagged;  /* flags or keywords are other ones */
};

/* Mailboxes that have changed after `since` in one of these ways, the latest first. */
void store_mailboxes_changed(const struct store_account *a, uint64_t since,
                             void (*each)(void *arg, uint32_t mailbox,
                                          const struct store_mailbox_changes *changes),
                             void *arg);

/*
 * A mailbox has another name, or none. What lies below it has gone along without a word. Paths are
 * as store_mailbox_path() gives them.
 */
struct store_name_change {
    uint64_t modseq;
    uint32_t mailbox;
    struct slice was; /* ptr NULL: it was made */
    struct slice is;  /* ptr NULL: it was removed */
};

/*
 * Those after `since`, in their order. -E_LIMIT: there were more than are kept, which are
 * STORE_NAME_CHANGES_MAX of together STORE_NAME_CHANGES_BYTES.
 */
#define STORE_NAME_CHANGES_MAX   256U
#define STORE_NAME_CHANGES_BYTES 65536U
int store_name_changes(const struct store_account *a, uint64_t since,
                       void (*each)(void *arg, const struct store_name_change *c), void *arg);
