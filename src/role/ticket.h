/* SPDX-License-Identifier: ISC */
/*
 * Tickets: what the directory gives for a login and the mail role asks for. An edge, where
 * strangers are, carries them and cannot make them; so it can open the mailboxes of those who log
 * in through it and no others, only by the door at which they did, and under no other name than
 * theirs: by that name others give them rights in their mailboxes.
 *
 * A ticket opens a mailbox for a minute. For a conversation that lasts longer an edge has the
 * directory renew it (directory.renew_ticket), again and again, without the password. That ends
 * when the login counts no more (ended_logins.h).
 */
#pragma once

#include "base/arena.h"
#include "base/time.h"
#include "proc/process.h"

#define TICKET_SIZE      40U
#define TICKET_LIFE      USEC_MIN  /* so long it opens the mailbox */
#define TICKET_RENEWABLE USEC_HOUR /* so long the directory gives a newer one for it */

struct ticket_for {
    struct slice service; /* of a door: "pop3" */
    uint64_t account;
    struct slice address; /* of the account, canonical */
};

/* `now` is wall time. In the arena. */
struct slice ticket_make(const uint8_t secret[static PROCESS_SECRET], const struct ticket_for *who,
                         usec_t now, struct arena *a);

/* When it says that it was made; wall time. 0: it is no ticket. */
usec_t ticket_made(struct slice ticket);

/* 0, or -E_REFUSED: not made with this secret for them, or more than `life` ago. */
int ticket_check(const uint8_t secret[static PROCESS_SECRET], struct slice ticket,
                 const struct ticket_for *who, usec_t now, usec_t life);
