/* SPDX-License-Identifier: ISC */
/*
 * MESSAGELIMIT (RFC 9738): how many messages one command may be about, if the settings bound it. Of
 * a command about more the newest are taken, those with the highest UIDs, and its answer says down
 * to which; so the client goes on below. What is done as a whole or not at all is refused.
 *
 * It is not for EXPUNGE and CLOSE, which name no messages, nor for what SELECT tells of changes.
 */
#pragma once

#include "imap/session_inside.h"

/*
 * Of the messages in a mailbox that a set of UIDs (resolved) names: the UID down to which one
 * command may be about them. 0: about all.
 */
uint32_t imap_limit(const struct imap_session *s, const struct told *told,
                    const struct imap_set *uids) WAITS;

/* Leaves away the messages that are too many. The UID as above, which is kept in `i`, too. */
uint32_t imap_limit_messages(struct imap_messages *i) WAITS;

/* The same with rising UIDs (uint32_t). */
uint32_t imap_limit_uids(const struct imap_session *s, struct buf *uids);

/*
 * Says that a command was about the messages from `lowest` on only. True: that was its OK. False:
 * there is nothing to say (0), or the answer has another code (`taken`): then it was said in front
 * of it, and the answer is still to come.
 */
bool imap_say_limited(struct imap_session *s, const struct imap_command *command, uint32_t lowest,
                      bool taken) WAITS;

/* NO: it would have been about more messages than one command may. `lowest`: as above, or 0. */
void imap_no_limited(struct imap_session *s, const struct imap_command *command,
                     uint32_t lowest) WAITS;
