/* SPDX-License-Identifier: ISC */
/* Messages in the order of criteria (RFC 5256 §3, RFC 5957). */
#pragma once

#include "imap/session_inside.h"

/*
 * Sorts rising UIDs (uint32_t) of the selected mailbox, as it was last looked at; `tag` is that of
 * the command. 0, or an error as imap_each_map().
 */
int imap_sort_uids(struct imap_session *s, struct slice tag, const struct imap_sort *by,
                   struct buf *uids) WAITS;
