/* SPDX-License-Identifier: ISC */
/* What takes long: that it goes on is told (INPROGRESS, RFC 9585), and who has gone is noticed. */
#pragma once

#include "imap/session_inside.h"

struct imap_progress {
    struct imap_session *s;
    struct slice tag; /* of the command; empty: none asks for it, and nothing is told */
    usec_t due;
};

/* NULL: there is no client, and nothing is told. */
struct imap_progress imap_progress_begin(struct imap_session *s, struct slice tag);

/* So much is done. 0; -E_EOF: the client has gone. */
int imap_progress(struct imap_progress *p, size_t done, size_t all) WAITS;
