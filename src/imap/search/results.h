/* SPDX-License-Identifier: ISC */
/*
 * Orders that SORT and THREAD have found, kept for who asks again: a client that shows a mailbox by
 * subject asks at every visit, and a web mail program at every page.
 *
 * What is kept stays true: an order follows from the messages and what they are sorted by, and a
 * message never changes; its UID in a mailbox is given once. So a result is found by its mailbox,
 * its criteria and the UIDs of all its messages, by whichever session; when messages come or go,
 * that is another list, with a result of its own. Nothing has to be dropped when a mailbox changes.
 * UIDs are compared by a keyed hash (siphash.h) and their number.
 *
 * Of all that is kept, the results that were used last stay, in a bound of bytes. Does not wait.
 */
#pragma once

#include "imap/session_inside.h"

#define IMAP_RESULTS_BYTES ((size_t)16 << 20) /* of a mail process: two or three of a million */
#define IMAP_RESULTS_FROM  1000U              /* messages: fewer are sorted in no time */

struct imap_results;

struct imap_results *imap_results_new(size_t most);
void imap_results_free(struct imap_results *r); /* NULL: nothing */

struct imap_results_key {
    uint64_t account, how, uids, count;
    uint32_t mailbox, uidvalidity;
};

/* Of messages of the selected mailbox (uint32_t, rising); `how`: the verb and its criteria as any
 * bytes that are the same for the same. */
struct imap_results_key imap_results_key(const struct imap_session *s, struct slice how,
                                         const struct buf *uids);

/* Appends a result, which then counts as used; false: there is none. `r` may be NULL. */
bool imap_results_get(struct imap_results *r, const struct imap_results_key *key, struct buf *to);

/* Keeps a copy, unless it is of few messages or would not fit. `r` may be NULL. */
void imap_results_put(struct imap_results *r, const struct imap_results_key *key,
                      struct slice result);

/* Bytes that are held. */
size_t imap_results_held(const struct imap_results *r);
