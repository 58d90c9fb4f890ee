/* SPDX-License-Identifier: ISC */
/*
 * Sending messages: RETR and TOP, with read-ahead for those who ask for many in a row.
 */
#pragma once

#include "io/stream.h"
#include "pop3/maildrop.h"

struct pop3_ahead;

/* Sends messages of one maildrop to one stream. */
struct pop3_sender {
    struct stream *stream;
    const struct pop3_maildrop_ops *ops;
    void *drop;
    size_t count;             /* messages in the maildrop */
    struct pop3_ahead *ahead; /* messages read already; NULL: none */
    struct buf text;          /* what is being sent */
};

/*
 * Sends a whole message with its reply line. `waiting`: commands that have arrived behind this one,
 * a guess how many of the following messages will be wanted.
 * 0: sent. Negative: it could not be read, nothing was sent and the caller answers. When it breaks
 * off in the middle, *ret_broken is set and the conversation has to end.
 */
int pop3_send_whole(struct pop3_sender *s, size_t at, size_t waiting, bool *ret_broken) WAITS;

/* Sends the header and some lines of the body; the same results. */
int pop3_send_top(struct pop3_sender *s, size_t at, uint64_t lines, bool *ret_broken) WAITS;

/* Gives back what was read ahead and all memory: while the client is silent none is held. */
void pop3_sender_rest(struct pop3_sender *s);
