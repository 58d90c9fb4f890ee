/* SPDX-License-Identifier: ISC */
/*
 * How much an account sends: messages, and recipients that it has not written to lately, in the
 * last hour and the last day. Whoever has stolen a password writes to very many strangers at once;
 * a person does not. Pure: time comes in, wall time in microseconds.
 *
 * An account takes a few kilobytes, however much it sends. The last hour and day are those of two
 * windows that follow each other: of the earlier one as much is counted as still lies within the
 * span, as if it had been sent evenly. Recipients are known by 32 bits of a hash, the latest
 * SENDING_KNOWN of them; one that was not among them for long is new again.
 *
 * A message above a limit is not counted, and its recipients do not become known: what an account
 * usually sends goes on beside it, and sending the same again gains nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"

enum sending_limit {
    SENDING_MESSAGES_HOUR,
    SENDING_MESSAGES_DAY,
    SENDING_NEW_HOUR, /* recipients */
    SENDING_NEW_DAY,
    SENDING_LIMITS,
};

#define SENDING_NO_LIMIT 0
#define SENDING_DEFAULT  (-1) /* of one account: what the settings say */

struct sending_limits {
    int64_t most[SENDING_LIMITS];
};

#define SENDING_KNOWN 1024U

/* What is kept of an account. The zero value has never sent anything. */
struct sending {
    struct {
        usec_t since; /* begin of the present window */
        uint32_t now, before;
    } windows[SENDING_LIMITS];
    usec_t told_at; /* when somebody was told last */
    uint32_t known[SENDING_KNOWN];
};

struct sending_verdict {
    bool hold;
    enum sending_limit limit; /* the one that is passed */
    int64_t most;             /* what it is, and what the message would make of it */
    uint64_t would_be;
    bool notify; /* the first in a day: people should hear of it */
};

/* A message to these addresses, which are compared without regard to case. Counts it, or not. */
struct sending_verdict sending_decide(struct sending *s, const struct sending_limits *limits,
                                      const struct slice *recipients, size_t count, usec_t now);

/* How much counts now for one limit. */
uint64_t sending_used(const struct sending *s, enum sending_limit limit, usec_t now);

const char *sending_limit_name(enum sending_limit limit); /* "messages-per-hour", as in settings */
bool sending_limit_find(struct slice name, enum sending_limit *ret);

/* "312 new recipients in an hour, 300 are allowed": why a message is held. */
struct slice sending_reason(struct arena *a, const struct sending_verdict *verdict);

/* For the disk. What cannot be read is the zero value. */
void sending_encode(const struct sending *s, struct buf *to);
void sending_decode(struct slice bytes, struct sending *ret);
