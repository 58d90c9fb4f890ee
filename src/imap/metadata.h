/* SPDX-License-Identifier: ISC */
/*
 * Metadata of mailboxes and of the account (RFC 5464).
 *
 * What is read or set needs the right "l" and one of "rswip" in the mailbox; what is set below
 * /shared needs "w". The server's own entries below /shared are nobody's to set. Bounds are those
 * of store/properties.h.
 */
#pragma once

#include "imap/session_inside.h"

/* What was asked for, in the arena: the names sorted, each once. */
struct imap_entries {
    const struct imap_metadata *asked;
    struct imap_wanted *wanted;
    size_t count;
};
/* -E_SYNTAX: a name that no entry can have. */
int imap_entries_sort(struct arena *a, const struct imap_metadata *asked, struct imap_entries *ret);

/* BAD, for that. */
void imap_bad_entries(struct imap_session *s, const struct imap_command *command) WAITS;

/*
 * The METADATA response for a mailbox, or for the server with 0 and an empty path: entries without
 * a value are NIL, unless DEPTH asks for what is there. Values over MAXSIZE are left out; the
 * longest of those is in `longest` then, which the caller sets to 0. -EACCES: he may not read it;
 * errors of reading.
 */
int imap_send_metadata(struct imap_session *s, uint32_t mailbox, struct slice path,
                       const struct imap_entries *entries, size_t *longest) WAITS;

/* The tagged OK behind that: with LONGENTRIES if something was left out. */
void imap_ok_metadata(struct imap_session *s, const struct imap_command *command, size_t longest,
                      const char *text) WAITS;

/*
 * Tells which entries have changed since the last call, if the client has enabled METADATA or asked
 * for it with NOTIFY: names without values (§4.4.2), those that he has set himself, too.
 */
void imap_tell_metadata(struct imap_session *s) WAITS;
