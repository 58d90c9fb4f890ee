/* SPDX-License-Identifier: ISC */
/*
 * Messages into mailboxes of another account: with flags, keywords, dates and return paths, as new
 * messages that count there.
 *
 * What goes is durable at its target before it leaves: a crash between leaves it in both accounts,
 * never in none. Each message has a key there, so whoever does it again after a crash or an error
 * does not double what had come; see store_delivery.key.
 */
#pragma once

#include "store/store.h"

struct store_across {
    struct store_account *from;
    uint32_t mailbox;
    const uint32_t *uids; /* those that are not there are passed over */
    size_t count;
    struct store_account *to; /* another one, or NULL: see `deliver` */
    uint32_t to_mailbox;
    uint64_t quota; /* bytes that `to` may hold; 0: any */
    bool move;

    /*
     * For a target that is somewhere else: stores a message there under the delivery's key, durably
     * and once, with the other promises and errors of store_deliver(). Its mailbox and quota are
     * for the caller to know. Several run at a time. A large message comes as part of a file
     * (`fd`), which stays the caller's.
     */
    int (*deliver)(void *arg, const struct store_delivery *d, struct store_delivered *ret) WAITS;
    void *arg;
    uint64_t to_number; /* of the account there */

    struct buf *pairs; /* gets two uint32_t for each that is there now: its UID here, and there (0:
                         it came there long ago). May be NULL */
    /*
     * Of a copy: what makes it the only one of its kind, so that it can be done again. Empty: each
     * time it is another copy. A move needs none, since a message leaves its mailbox once, unless
     * `to_mailbox` does not say where it goes.
     */
    struct slice key;
};

struct store_carried {
    size_t count;   /* messages that are at the target now, in order, whatever is returned */
    size_t removed; /* of them from `from` */
    uint32_t
        first_uid; /* the first one's; others may come between those that follow. 0: long ago */
};

/* Errors as store_deliver(), store_read() and store_expunge(); what was done before stays so. */
int store_copy_across(const struct store_across *w, struct store_carried *ret) WAITS;
