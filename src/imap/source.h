/* SPDX-License-Identifier: ISC */
/*
 * Choices of mailboxes, of ESEARCH (RFC 7377 §2.2) and NOTIFY (RFC 5465 §6): which ones they mean.
 *
 * Whether the user may know of a mailbox, or read it, is the caller's matter. "Inboxes" is the
 * INBOX: into others nothing is delivered. What is selected is not asked here.
 */
#pragma once

#include "imap/session_inside.h"
#include "imap/syntax/search.h"

/* The same choice with its names sorted, in the arena: imap_source_has() takes it so. */
struct imap_source imap_source_sort(const struct imap_source *source, struct arena *a) WAITS;

/*
 * Whether a mailbox with this path is one of them, or would be if it existed; false for those of
 * the selected one. Takes the logarithm of the number of names for each name above the path.
 */
bool imap_source_has(const struct imap_session *s, const struct imap_source *source,
                     struct slice path);
