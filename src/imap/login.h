/* SPDX-License-Identifier: ISC */
/*
 * IMAP before login (RFC 9051 §3.1, the not authenticated state): greeting, who comes, STARTTLS. It
 * ends without an answer to the command that succeeded: whoever owns the mailboxes gives that one,
 * with the tag that is passed on (imap/session.h). So the caller
 *
 *     switch (imap_login(s, &config, &host, host_arg, &passed_on, &counts)) {
 *     case DOOR_END_LOGIN:  hands over: stream_detach(), with the input that was not read yet
 *     default:              stream_shutdown(), stream_free()
 *     }
 *
 * All output has been flushed when it ends with DOOR_END_LOGIN.
 */
#pragma once

#include "imap/connection.h"

/*
 * What is asked of `host` are attempts by "LOGIN", the command, or by a mechanism of SASL.
 * `again`: the client has left its account (RFC 8437), and was told so; there is no greeting.
 * `passed_on` gets, with DOOR_END_LOGIN, the tag of the command that is to be answered.
 */
enum door_end imap_login(struct stream *s, const struct door_config *config, bool again,
                         const struct door_host *host, void *host_arg, struct buf *passed_on,
                         struct door_counts *ret) WAITS;
