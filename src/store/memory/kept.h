/* SPDX-License-Identifier: ISC */
/*
 * An account as the backend in memory keeps it: arrays in the order of their numbers, searched by
 * halves. What is added is nearly always the last one, so nothing cleverer is needed for what tests
 * keep. kept.c is what records do to it; memory.c is the backend.
 */
#pragma once

#include "base/alloc.h"
#include "store/backend.h"

struct body {
    uint64_t number;
    char *bytes;
    uint32_t size, crc;
    uint32_t entries; /* that it has; with the last one it goes */
    uint32_t deleted; /* unless some that were removed can be brought back */
    struct slice return_path;
};

struct vanished {
    uint32_t uid;
    uint64_t modseq;
};

struct mailbox {
    struct backend_mailbox about; /* its name is on the heap */
    struct store_entry *entries;  /* by UID */
    uint32_t *saved;              /* of each: seconds of wall time */
    size_t count;
    struct slice *sets; /* of keywords, on the heap: entries have their places, from 1 on */
    size_t set_count;
    struct vanished *vanished; /* in the order in which they went */
    size_t vanished_count;
    uint64_t forgotten; /* what vanished up to this MODSEQ may not be known */
};

struct key {
    struct slice text; /* on the heap */
    uint64_t body;
    uint32_t uid;
    usec_t stored;
};

struct deleted { /* a removed entry */
    struct backend_deleted about;
    struct slice name, keywords; /* on the heap */
};

struct kept { /* an account */
    uint64_t id;
    struct backend_counters counters;
    struct mailbox *mailboxes; /* by number */
    size_t mailbox_count;
    struct body *bodies; /* by number */
    size_t body_count;
    struct key *keys; /* in the order in which they came */
    size_t key_count;
    struct record_property *properties; /* in no order; bytes on the heap */
    size_t property_count;
    struct deleted *deleted; /* in the order in which they were removed */
    size_t deleted_count;
    uint64_t messages, bytes; /* of bodies with entries */
    uint64_t deleted_bytes;   /* of the others */
};

static inline struct slice kept_text_copy(struct slice text) {
    return slice_of(mem_copy(text.ptr, text.len), text.len);
}

static inline void kept_text_free(struct slice text) {
    free((void *)(uintptr_t)text.ptr);
}

/* How many of `count` elements have a smaller number. */
#define KEPT_PLACE(array, count, member, number)                                                   \
    ({                                                                                             \
        size_t low_ = 0, high_ = (count);                                                          \
        while (low_ < high_) {                                                                     \
            size_t middle_ = low_ + (high_ - low_) / 2;                                            \
            if ((array)[middle_].member < (number))                                                \
                low_ = middle_ + 1;                                                                \
            else                                                                                   \
                high_ = middle_;                                                                   \
        }                                                                                          \
        low_;                                                                                      \
    })

/* What there is of this number or name, or NULL. */
struct mailbox *kept_mailbox(const struct kept *k, uint32_t number);
struct body *kept_body(const struct kept *k, uint64_t number);
struct record_property *kept_property(const struct kept *k, uint32_t mailbox, uint32_t kind,
                                      struct slice name);

/* A commit is a few of these, which nothing interrupts. */
void kept_apply(struct kept *k, const struct store_record *r);
void kept_put_mailbox(struct kept *k, const struct record_mailbox *r);

/* Of what vanished in a mailbox, so much stays; what went first is forgotten first. */
void kept_forget_vanished(struct kept *k, size_t most);

struct kept *kept_copy(const struct kept *from); /* on the heap */
void kept_free(struct kept *k);
