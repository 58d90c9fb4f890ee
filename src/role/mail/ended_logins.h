/* SPDX-License-Identifier: ISC */
/*
 * Logins that count no more, since the account has a new password, or was disabled or removed:
 * tickets for it (ticket.h) that were made before are void. That is remembered as long as such a
 * ticket could be shown. Of what happened before the process began it knows nothing, so tickets
 * from that time are void, too.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"

struct ended_logins {
    struct map accounts;    /* struct ended_login by account */
    struct list order;      /* the same, in the order in which they ended */
    usec_t ticket_life;     /* older ones are refused anyway */
    usec_t began, began_at; /* wall time, monotonic */
};

void ended_logins_init(struct ended_logins *e, usec_t ticket_life);
void ended_logins_done(struct ended_logins *e);

/* Makes the account's tickets void that were made before that wall time. */
void ended_logins_add(struct ended_logins *e, uint64_t account, usec_t before);

/* Whether a ticket of the account is void that was made at that wall time. */
bool ended_logins_have(struct ended_logins *e, uint64_t account, usec_t made);
