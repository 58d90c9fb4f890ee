/* SPDX-License-Identifier: ISC */
/*
 * Messages that were removed and can be brought back for a while (store_options.undelete): those
 * that were expunged, and those of removed mailboxes. They count for no quota and no usage.
 *
 * They go for good, the oldest first, when their time is over, whether anybody opens the account or
 * not; when an account has more of them than store_options.undelete_bytes; and all of them when the
 * disk has less room than its reserve.
 */
#pragma once

#include "store/store.h"

struct store_deleted {
    uint32_t mailbox, uid;
    struct slice mailbox_name; /* without its parents; empty: it is not known any more */
    bool has_mailbox;          /* it is still there */
    uint64_t size, flags;
    usec_t date, deleted;  /* wall time */
    struct slice keywords; /* names with a space between them */
};

/* All of an account, in the order in which they were removed; what is given is valid in the call.
 * `each` does not wait. */
int store_deleted_each(struct store_account *a,
                       void (*each)(void *arg, const struct store_deleted *d), void *arg) WAITS;

/*
 * Brings messages back, each as a new one with its flags, keywords and date: into `to`, or with 0
 * to where it was, and if that mailbox is gone, to the INBOX. One that was brought back already
 * and is wanted again is not doubled. On an error those before it are back.
 */
struct store_restore {
    bool (*wanted)(void *arg, const struct store_deleted *d); /* does not wait */
    void *arg;
    uint32_t to;
    uint64_t quota; /* bytes the account may hold; 0: any */
};
struct store_restored {
    size_t count, already;
};
int store_restore(struct store_account *a, const struct store_restore *r,
                  struct store_restored *ret) WAITS;
