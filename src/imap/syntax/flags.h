/* SPDX-License-Identifier: ISC */
/*
 * Flags of messages (RFC 9051 §2.3.2) as clients give them, in STORE and APPEND.
 *
 * \Recent and system flags that nobody knows are taken and forgotten: clients that copy mailboxes
 * send them, and a server may ignore what is not in PERMANENTFLAGS (RFC 9051 §6.4.6).
 */
#pragma once

#include "imap/syntax/token.h"

enum imap_flag {
    IMAP_FLAG_SEEN = 1 << 0,
    IMAP_FLAG_ANSWERED = 1 << 1,
    IMAP_FLAG_FLAGGED = 1 << 2,
    IMAP_FLAG_DELETED = 1 << 3,
    IMAP_FLAG_DRAFT = 1 << 4,
    IMAP_FLAG_RECENT = 1 << 5, /* in answers only */
};
#define IMAP_FLAGS 6U

/* "\Seen" of a bit. */
const char *imap_flag_name(enum imap_flag flag);

struct imap_flags {
    unsigned system;              /* of enum imap_flag */
    const struct slice *keywords; /* as given; may repeat */
    size_t keyword_count;
};

bool imap_take_flags(struct imap_cursor *c, struct imap_flags *ret); /* (\Seen $Forwarded) */
bool imap_take_loose_flags(struct imap_cursor *c,
                           struct imap_flags *ret); /* or without (), one at least */
