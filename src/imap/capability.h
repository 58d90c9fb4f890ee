/* SPDX-License-Identifier: ISC */
/*
 * What is announced (RFC 9051 §6.1.1, §7.2.2): what works here, no more and no less. It depends on
 * the state, on TLS, and on the settings.
 */
#pragma once

#include "auth/door.h"
#include "imap/syntax/write.h"

/*
 * The list, as values behind CAPABILITY in a response or a response code. `message_max`: bytes that
 * a message of APPEND may have, `messages_max`: messages that one command may be about; both are
 * told after the login, unless they are 0.
 */
void imap_capabilities(struct imap_writer *w, const struct door_offer *offer, bool logged_in,
                       uint64_t message_max, unsigned messages_max, struct slice off);

/* Whether a name is one of `off`, words with blanks between them, in any case: those are neither
 * announced nor enabled. */
bool imap_capability_is_off(struct slice off, struct slice name);
