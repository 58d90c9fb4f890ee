/* SPDX-License-Identifier: ISC */
/*
 * What readers move and delete, for the journeys of messages: each message that was delivered has
 * an event of its own, of who did it and from where, without anything of what is in it. Others, and
 * those beyond the first hundred of a command, are told together in one that belongs to no message.
 * An account has MAIL_GONE_BURST such events, and then one in MAIL_GONE_EVERY; what is beyond is in
 * the counts of its sessions alone.
 */
#pragma once

#include "role/mail/mail_sessions.h"

struct mail_gone {
    struct store_account *account;
    struct slice from, to; /* mailboxes; `to` empty: deleted */
    const struct store_message *messages;
    size_t count; /* of them */
    size_t all;   /* that have gone */
};

/* A reader has renamed a mailbox, or with `to` empty deleted it: an event, of the same number. */
void mail_tell_mailbox(struct mail_session *s, uint64_t account, struct slice path,
                       struct slice to);

/* What is pointed to is copied. The events may come a moment later than the answer to the client.
 */
void mail_tell_gone(struct mail_session *s, const struct mail_gone *g) WAITS;

/* The fiber that tells. Stopping, when no session is left, tells what was noted. */
int mail_gone_start(struct process *p);
void mail_gone_stop(struct process *p) WAITS;
