/* SPDX-License-Identifier: ISC */
/* What the context*.c share. */
#pragma once

#include <stdlib.h>

#include "imap/search/context.h"

struct imap_context {
    struct imap_context *next;
    struct arena arena;
    struct imap_command command;
    const struct slice **sorted; /* of the attributes that UPDATE has; imap_fetch_sort() */
    bool by_flags;               /* its program asks for flags, or their MODSEQ */
    struct buf uids;             /* uint32_t, in the order of the results */
};

/* Where a message comes to, or goes from; 0: in the order of the mailbox. */
struct imap_step {
    uint32_t position, uid;
};

static inline bool imap_context_is_sorted(const struct imap_context *c) {
    return c->command.verb == IMAP_SORT;
}

static inline uint32_t imap_uid_at(const struct buf *uids, size_t i) {
    uint32_t uid;
    memcpy(&uid, uids->ptr + i * sizeof uid, sizeof uid);
    return uid;
}

static inline size_t imap_uid_count(const struct buf *uids) {
    return uids->len / sizeof(uint32_t);
}

static inline int imap_compare_uids(const void *a, const void *b) {
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static inline bool imap_has_uid(const struct buf *rising, uint32_t uid) {
    return rising->len > 0 &&
           bsearch(&uid, rising->ptr, imap_uid_count(rising), sizeof uid, imap_compare_uids);
}

/* Which of these (rising) are among the results, in the same order. */
void imap_context_members(const struct imap_context *c, const struct buf *rising,
                          struct buf *members) WAITS;

/*
 * Takes those of these (rising) out that are in them: a step for each, struct imap_step, with where
 * it was when those before it had gone.
 */
void imap_context_take_out(struct imap_context *c, const struct buf *rising,
                           struct buf *steps) WAITS;

/* Puts one in: a step with where it is then. 0, or an error of reading. */
int imap_context_put_in(struct imap_session *s, struct imap_context *c, uint32_t uid,
                        struct buf *steps) WAITS;
