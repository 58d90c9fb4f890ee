/* SPDX-License-Identifier: ISC */
/*
 * Messages that were removed and can be brought back for a while (store_options.undelete): those
 * that were expunged, and those of removed mailboxes. They count for no quota and no usage.
 *
 * They go for good, the oldest first, when their time is over, whether anybody opens the account or
 * not, but not within an hour after a start or after the clock has jumped ahead; when an account
 * has more of them than store_options.undelete_bytes or undelete_count; and all of them, which is
 * reported, when the disk has less room than store_options.undelete_room, or than the backend
 * needs.
 */
#pragma once

#include "store/record.h"
#include "store/store.h"

struct store_deleted {
    struct deleted_place place; /* of its removal */
    uint64_t body;
    uint32_t mailbox, uid;
    struct slice mailbox_name; /* without its parents; empty: it is not known any more */
    bool has_mailbox;          /* it is still there */
    uint64_t size, flags;
    usec_t date, deleted;  /* wall time */
    struct slice keywords; /* names with a space between them */
};

/* The next of an account, at most `most`, in the order in which they were removed, from behind
 * `place`, which moves; zero: from the oldest. `ret_more`: there may be more. What is given is
 * valid in the call. `each` does not wait. */
int store_deleted_each(struct store_account *a, struct deleted_place *place, size_t most,
                       void (*each)(void *arg, const struct store_deleted *d), void *arg,
                       bool *ret_more) WAITS;

/* Reads the beginning of one, at most `len` bytes, without a check of its sum; how many. */
ssize_t store_deleted_read(struct store_account *a, const struct store_deleted *d, void *to,
                           size_t len) WAITS;

/*
 * 1: it was brought back: into `to`, or with 0 to where it was; with `anywhere` also to any mailbox
 * at the top. 0 or negative. A message that was brought back and removed again was, too.
 */
int store_deleted_is_back(struct store_account *a, const struct store_deleted *d, uint32_t to,
                          bool anywhere) WAITS;

/*
 * Brings messages back, each as a new one with its flags, keywords, date and return path: into
 * `to`, or with 0 to where it was, and if that mailbox is gone, to the INBOX. One that was brought
 * back already and is wanted again is not doubled. Looks at `most` of them from behind `place`,
 * which moves behind those that need not be looked at again; and ends before, with `more`, when
 * many bytes were copied. Errors as store_deliver(), but -ENOSPC takes nothing away from what can
 * be brought back: what was counted is back, and some of the next ones may be.
 */
struct store_restore {
    bool (*wanted)(void *arg, const struct store_deleted *d); /* does not wait */
    /* Told of each that is back. Does not wait. May be NULL. */
    void (*restored)(void *arg, const struct store_deleted *d);
    void *arg;
    uint32_t to;
    uint64_t quota; /* bytes the account may hold; 0: any */
    struct deleted_place place;
    size_t most;
};
struct store_restored {
    size_t count, already;
    size_t damaged; /* their bytes cannot be read: they stay as they are */
    bool more;
};
int store_restore(struct store_account *a, struct store_restore *r,
                  struct store_restored *ret) WAITS;
