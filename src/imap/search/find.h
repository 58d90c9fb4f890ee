/* SPDX-License-Identifier: ISC */
/*
 * The messages of a mailbox for which a search program holds: what SEARCH, SORT, THREAD and ESEARCH
 * have in common. What each key means is RFC 9051 §6.4.4, RFC 5032, 7162, 8474, 8514, and
 * docs/imap.md where they leave it open.
 *
 * A message is looked at in three steps, and no further than it takes to know: what the mailbox
 * knows of it (flags, dates, numbers), its map (people, subject, date sent), its text. Whatever
 * others do to the mailbox meanwhile, messages that are removed
 * before their turn are not found. It takes as long as it takes: other fibers run, texts are read
 * in other threads, and the client is told of it every ten seconds (INPROGRESS, RFC 9585).
 */
#pragma once

#include "imap/session_inside.h"
#include "search/confirm.h"

#define IMAP_FIND_NODES 16384U /* keys, ANDs and ORs of a program */
#define IMAP_FIND_TEXTS 1000U  /* texts among them for which messages have to be read */

struct imap_find;

/*
 * In this mailbox, as it was last looked at; both stand as long as this, and so does `p`. 0;
 * -E_UNKNOWN: no such charset; -E_LIMIT: too many keys. Without a session (NULL) it is for who has
 * no client, and nobody is told how far it is.
 */
int imap_find_begin_in(struct imap_session *s, const struct told *told,
                       const struct imap_search_program *p, struct imap_find **ret) WAITS;
void imap_find_done(struct imap_find *f);
DEFINE_CLEANUP(struct imap_find, imap_find_done)

/* Who has no session asks these indexes of the account's store; before anything is found. */
void imap_find_use_indexes(struct imap_find *f, struct search_indexes *indexes);

/*
 * The UIDs of all that are found, in their order, appended as uint32_t; `tag` is that of the
 * command. With `among`, which has rising ones, only those are looked at. 0; -E_EOF: the client has
 * gone; or why messages cannot be read.
 */
int imap_find_all(struct imap_find *f, struct slice tag, const struct buf *among,
                  struct buf *uids) WAITS;

/*
 * The same of the first that are found, so many, and of the last ones. No more messages are looked
 * at than that takes, nor than one command may be about (imap/limit.h): `ret_lowest` says down to
 * which that was, or 0. {SIZE_MAX, 0}: all.
 */
struct imap_find_wanted {
    size_t first, last;
};
int imap_find_some(struct imap_find *f, struct slice tag, struct imap_find_wanted wanted,
                   struct buf *uids, uint32_t *ret_lowest) WAITS;

/* The UID down to which a session may look at messages (imap/limit.h); 0: at all. */
uint32_t imap_find_lowest(const struct imap_find *f) WAITS;
