/* SPDX-License-Identifier: ISC */
/*
 * A message that comes in pieces, from somebody who may be slow, or many at once, and may never
 * come to its end. Small ones are held in memory, large ones in a file without a name beside the
 * account: nothing of a message is left when it is given up, whoever dies meanwhile.
 *
 *     struct store_incoming in;
 *     store_incoming_init(&in, account);
 *     r = store_incoming_announce(&in, size, quota, deadline);     before anything is asked for
 *     while (r == 0 && ...)
 *         r = store_incoming_add(&in, piece);
 *     if (r == 0)
 *         r = store_incoming_deliver(&in, &delivery, &delivered);
 *     store_incoming_done(&in);
 *
 * The bounds are these, so that who stops in the middle keeps nobody else waiting for long:
 *
 * - One holds STORE_INCOMING_HELD bytes in memory, all of a store STORE_INCOMING_MEMORY. Above that
 *   nobody waits or is refused: what comes goes to the files at once.
 * - What is announced for one account is at most STORE_INCOMING_ACCOUNT bytes at a time, or one
 *   message. More waits, in order of arrival.
 * - What is announced for all accounts has room on the disk, twice, since the file is there until
 *   the message is in its mailbox.
 */
#pragma once

#include "store/store.h"

#define STORE_INCOMING_HELD    (64U << 10)
#define STORE_INCOMING_MEMORY  (16U << 20)
#define STORE_INCOMING_ACCOUNT (1U << 30)

struct store_incoming {
    struct store_account *account; /* the caller's, open until the end */
    uint64_t len;                  /* bytes that have come */

    /* the rest is its own */
    uint64_t announced;
    uint64_t needed; /* bytes of the disk that are kept for it */
    struct buf held; /* the last bytes; without a file all of them */
    int file;        /* -1: none yet */
};

void store_incoming_init(struct store_incoming *in, struct store_account *a);

/*
 * So many bytes will come (more, when there are some already). -E_LIMIT: the account, which may
 * hold `quota` bytes (0: any), has no room for them; -ENOSPC: the disk has none. -E_BUSY: other
 * messages for the account are coming, and have not ended at `deadline` (monotonic); only the first
 * call waits for them. What is delivered meanwhile may still take the room away.
 */
int store_incoming_announce(struct store_incoming *in, uint64_t bytes, uint64_t quota,
                            usec_t deadline) WAITS;

/* Takes a piece; it need not be what was announced. After an error only the end may follow. */
int store_incoming_add(struct store_incoming *in, struct slice bytes) WAITS;

/* Stores the message; `d` says all but its bytes. Errors as store_deliver(). */
int store_incoming_deliver(struct store_incoming *in, const struct store_delivery *d,
                           struct store_delivered *ret) WAITS;

/*
 * The same with several messages in one mailbox, all or none, of what has come: the offset and len
 * of each say where in it its bytes are. As store_deliver_all().
 */
int store_incoming_deliver_all(struct store_incoming *in, struct store_delivery *d, size_t count,
                               struct store_delivered *ret) WAITS;

/* Gives back what it holds; what has come and was not delivered is gone. */
void store_incoming_done(struct store_incoming *in) WAITS;
