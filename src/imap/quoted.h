/* SPDX-License-Identifier: ISC */
/* The octets of a message, or of a part of it, that a URL names: what CATENATE quotes (RFC 4469).
 */
#pragma once

#include "imap/session_inside.h"
#include "imap/url.h"

/*
 * Hands them on in pieces of at most 64 KiB, or a picked header, as they are in the message. 0;
 * -E_UNKNOWN: there is no such mailbox, message or part; what `take` returns, if that is an error;
 * errors as store_read().
 */
int imap_quote(struct imap_session *s, const struct imap_url *url,
               int (*take)(void *arg, struct slice octets) WAITS, void *arg) WAITS;
