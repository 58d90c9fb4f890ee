/* SPDX-License-Identifier: ISC */
/*
 * POP3 after login (RFC 1939 §5 and §6): the maildrop is opened, the command that logged in gets
 * its answer, commands are obeyed, and only QUIT removes what was marked. A connection that ends in
 * any other way removes nothing.
 *
 * When the mailbox is in use by another session, or cannot be opened, the answer is -ERR [IN-USE]
 * or [SYS/TEMP] and the conversation ends: RFC 1939 §4 lets the server close it, and by then it has
 * left the process that checks passwords.
 *
 * A silent session holds a bit for each message once something was marked, and no buffers.
 */
#pragma once

#include "pop3/capability.h"
#include "pop3/connection.h"
#include "pop3/maildrop.h"

struct pop3_session_config {
    struct door_offer offer; /* for CAPA; as it was at the end of the login */
    usec_t timeout;          /* for each command: at least 10 min (RFC 1939 §3) */
    unsigned errors_max;     /* 50 */
    bool japanese;           /* the language that was chosen before the login */
};

/* The settings' defaults; the offer is to be filled in. */
extern const struct pop3_session_config pop3_session_defaults;

/* What happened, for the log. */
struct pop3_session_counts {
    uint64_t messages, octets; /* in the maildrop at the beginning */
    uint64_t fetched;          /* RETR */
    uint64_t removed;
    unsigned commands, errors;
    int problem; /* opening or removing failed with this; 0: neither */
};

/* The stream stays the caller's: stream_shutdown() and stream_free() when this returns. */
enum door_end pop3_session(struct stream *s, const struct pop3_session_config *config,
                           const struct pop3_maildrop_ops *ops, void *host,
                           struct pop3_session_counts *ret) WAITS;
