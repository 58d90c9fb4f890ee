/* SPDX-License-Identifier: ISC */
/*
 * The room in mailboxes that messages take which were accepted a moment ago. The directory hears of
 * them when they are in the mailbox; until then all that comes in at the same time would find the
 * same room, and what does not fit would go back to a sender whom a stranger has made up (D6a).
 * Each message counts for two to four seconds, and never beside what the directory says by then.
 *
 * Pure: time comes in. A bounded table; the account whose last message is oldest gives way.
 */
#pragma once

#include "base/time.h"
#include "message/queue_id.h"
#include "rpc/calls.h"

struct taken_room;

struct taken_room *taken_room_new(void);
void taken_room_free(struct taken_room *t); /* NULL is fine */

/*
 * Whether of each recipient a mailbox has room for a message of `size` bytes. True: it is counted,
 * once for each account. False: it is not; `ret_place` is of the first recipient for whom there is
 * no room.
 */
bool taken_room_take(struct taken_room *t, queue_id message, uint64_t size,
                     const struct rpc_room *mailboxes, size_t count, usec_t now,
                     uint32_t *ret_place);
