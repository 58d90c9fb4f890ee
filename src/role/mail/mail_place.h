/* SPDX-License-Identifier: ISC */
/*
 * Where a message goes that was found to be junk before it was taken (enum message_verdict): into
 * the mailbox for junk, whatever that is called. A reader by POP3 never sees that mailbox, so who
 * reads by POP3 alone gets the message in his INBOX, with a field by which his mail program can
 * tell it; so does an account that has no mailbox for junk.
 *
 * By which doors an account is read stands in its properties, with the day: a new one is written
 * at most once a week.
 */
#pragma once

#include "role/mail/mail.h"
#include "role/mail/mail_sessions.h"

#define MAIL_JUNK_FIELD "X-Spam-Flag: YES\r\n"

/* So long its owner has not come by IMAP who is said to read by POP3 alone. */
#define MAIL_PLACE_DAYS 90

struct mail_place {
    uint32_t mailbox;
    bool marked;       /* it gets MAIL_JUNK_FIELD */
    struct slice name; /* of the mailbox, with those above it; the arena's */
};

/* What the account cannot tell now is the INBOX, marked. */
void mail_place_junk(struct mail *m, uint64_t account, struct arena *a,
                     struct mail_place *ret) WAITS;

/* The account is read by the session's door. */
void mail_place_note_door(const struct mail_session *s) WAITS;
