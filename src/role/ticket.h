/* SPDX-License-Identifier: ISC */
/*
 * Tickets: what the directory gives for a login and the mail role asks for. An edge, where
 * strangers are, carries them and cannot make them; so it can open the mailboxes of those who log
 * in through it and no others.
 */
#pragma once

#include "base/arena.h"
#include "base/time.h"
#include "proc/process.h"

#define TICKET_SIZE 40U
#define TICKET_LIFE USEC_MIN /* from the login to the mailbox */

/* A ticket for an account and a service ("pop3"); `now` is wall time. In the arena. */
struct slice ticket_make(const uint8_t secret[static PROCESS_SECRET], struct slice service,
                         uint64_t account, usec_t now, struct arena *a);

/* When it says that it was made; wall time. 0: it is no ticket. */
usec_t ticket_made(struct slice ticket);

/* 0, or -E_REFUSED: not made with this secret for them, or too old. */
int ticket_check(const uint8_t secret[static PROCESS_SECRET], struct slice ticket,
                 struct slice service, uint64_t account, usec_t now);
