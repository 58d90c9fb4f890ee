/* SPDX-License-Identifier: ISC */
/*
 * Searches in the selected mailbox whose results are kept up to date: RETURN (UPDATE ...) of
 * SEARCH, SORT and ESEARCH (RFC 5267 §4.3).
 *
 * A context keeps its command and the UIDs of what was found, in their order. What changes is
 * looked at by itself: a new message, and one with other flags if the program asks for flags. So it
 * costs nothing for the others; in a sorted list the place of a new one is found by halving. What a
 * program says of the time (OLDER, YOUNGER) is looked at then, not when the time comes.
 *
 * A session has at most IMAP_CONTEXTS_MAX, of together IMAP_CONTEXTS_BYTES; beyond, and of a
 * command of more than IMAP_CONTEXT_TEXT bytes or some hundred keys, nothing is told, which
 * NOUPDATE says (§4.3.1); and when too many messages come into a sorted list at once.
 */
#pragma once

#include "imap/search/found.h"

#define IMAP_CONTEXTS_MAX   8U
#define IMAP_CONTEXTS_BYTES 1048576U
#define IMAP_CONTEXT_TEXT   8192U
#define IMAP_CONTEXT_SORTED 1000U /* so many come into a sorted list at once */

struct imap_context;

/* Whether the tag is one of a context: then a command with UPDATE must not have it. */
bool imap_context_is_there(const struct imap_session *s, struct slice tag);

/* What was found from now on is kept up to date; or the client is told that it is not. */
void imap_context_begin(struct imap_session *s, const struct imap_found *found) WAITS;

/* NO [NOUPDATE]: nothing is told of what changes in the results of this command. */
void imap_context_refuse(struct imap_session *s, struct slice tag) WAITS;

/* Of the messages that have gone, as far as the client was not told so: REMOVEFROM. Before the
 * EXPUNGEs. */
void imap_contexts_drop(struct imap_session *s) WAITS;

/*
 * ADDTO and REMOVEFROM for rising UIDs (uint32_t) of messages whose flags have changed, and for
 * those that are new, from `first` on. Behind EXISTS and the changed flags.
 */
void imap_contexts_update(struct imap_session *s, const struct buf *changed, uint32_t first) WAITS;

void imap_contexts_done(struct imap_session *s);
