/* SPDX-License-Identifier: ISC */
/* The octets of a message, or of a part of it, that a URL names: what CATENATE quotes (RFC 4469),
 * and what URLFETCH tells (RFC 4467). */
#pragma once

#include "imap/session_inside.h"
#include "imap/syntax/url.h"

struct imap_quoting {
    void *arg;
    int (*begin)(void *arg, uint64_t size); /* how many octets there will be; may be NULL */
    int (*take)(void *arg, struct slice octets) WAITS;
};

/*
 * Hands them on in pieces of at most 64 KiB, or a picked header, as they are in the message. 0;
 * -E_UNKNOWN: there is no such mailbox, message or part; what `begin` or `take` returns, if that is
 * an error; errors as store_read(), which may come behind some octets.
 */
int imap_quote(struct imap_session *s, const struct imap_url *url,
               const struct imap_quoting *to) WAITS;
