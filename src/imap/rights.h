/* SPDX-License-Identifier: ISC */
/*
 * Rights of the user of a session (RFC 4314). A mailbox that he may not see is answered as one that
 * does not exist (§6).
 */
#pragma once

#include "imap/session_inside.h"
#include "store/rights.h"

/* His rights in a mailbox (enum store_right); 0 if there is none of that number. */
uint32_t imap_rights(const struct imap_session *s, uint32_t mailbox);

/* 0: he has all of these; if none are asked for, one that lets him know of the mailbox. -EACCES: he
 * has not. -E_UNKNOWN: and may not even know of it. */
int imap_may(const struct imap_session *s, uint32_t mailbox, uint32_t rights);

/* imap_find_path() and imap_may() in one. */
int imap_find_allowed(const struct imap_session *s, struct slice path, uint32_t rights,
                      struct store_mailbox *ret);

/* "* MYRIGHTS path rights" for a mailbox; the caller sends it. */
void imap_write_myrights(struct imap_session *s, struct slice path, uint32_t mailbox);

/* If the rights in the selected mailbox are other ones than the client was told, tells it which
 * flags it has and which of them he may change (RFC 4314 §5.1.1). */
void imap_tell_rights(struct imap_session *s) WAITS;

/* The flags (enum store_flag) that these rights let him change. */
uint64_t imap_flags_of_rights(uint32_t rights);

/*
 * Takes out of a change what the rights do not allow (§4). False: something was asked for, and
 * nothing of it is left.
 */
bool imap_flags_within(struct store_flags *f, uint32_t rights);
