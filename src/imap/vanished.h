/* SPDX-License-Identifier: ISC */
/* What has gone, told in UIDs (VANISHED, RFC 7162 §3.2.10), to those who have enabled QRESYNC. */
#pragma once

#include "imap/session_inside.h"

/*
 * VANISHED (EARLIER): of the UIDs of a set those that the client is not counting and that the
 * mailbox has lost since a MODSEQ; "*" in the set is the highest UID that ever was. When that is
 * too long ago to know, or cannot be read, all those that the mailbox has not. 0; -E_UNKNOWN: there
 * is no such mailbox any more; -ECANCELED.
 */
int imap_tell_vanished(struct imap_session *s, const struct imap_set *set, uint64_t since) WAITS;

/* VANISHED of UIDs (uint32_t, rising) that the client counts, which it does no more. */
void imap_tell_gone(struct imap_session *s, const struct buf *uids) WAITS;

/* OK with the sentence; to who has enabled QRESYNC the MODSEQ in front of it (§3.2.7, §3.2.8). */
void imap_ok_removed(struct imap_session *s, const struct imap_command *command, bool removed,
                     const char *format, ...) PRINTF_LIKE(4, 5) WAITS;
