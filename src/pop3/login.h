/* SPDX-License-Identifier: ISC */
/*
 * POP3 before login (RFC 1939 §4, the AUTHORIZATION state): greeting, who comes, and STLS. It ends
 * without an answer to the command that succeeded: whoever owns the mailbox gives that one, when
 * the mailbox is open (pop3/session.h). So the caller
 *
 *     switch (pop3_login(s, &config, &host, host_arg, &counts)) {
 *     case DOOR_END_LOGIN:  hands over: stream_detach(), with the input that was not read yet
 *     default:              stream_shutdown(), stream_free()
 *     }
 *
 * All output has been flushed when it ends with DOOR_END_LOGIN. In which language the client wants
 * to be answered holds for the session, too.
 */
#pragma once

#include "pop3/capability.h"
#include "pop3/connection.h"

/* What the door's first half passes on to its second one when the client wants Japanese. */
#define POP3_PASSED_JAPANESE "ja"

struct pop3_login_config {
    struct door_config door;
    bool apop; /* somebody here has an APOP secret: greet with a timestamp */
};

/*
 * What is asked of `host` are attempts by "USER" or by a mechanism of SASL, with a password, and by
 * "APOP", with stamp and digest and a password whose ptr is NULL.
 */
enum door_end pop3_login(struct stream *s, const struct pop3_login_config *config,
                         const struct door_host *host, void *host_arg, bool *ret_japanese,
                         struct door_counts *ret) WAITS;
