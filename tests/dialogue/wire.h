/* SPDX-License-Identifier: ISC */
/*
 * The connection between a script and the session under test, in memory: the session sees a stream,
 * the script says exactly in which pieces bytes arrive and when it reads what came back.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "fiber/sync.h"
#include "io/stream.h"

struct wire {
    struct list pieces; /* to the session; one read takes bytes of one piece only */
    struct buf said;    /* from the session, not read by the script yet */
    bool keeps;         /* all that it has said, in `whole` */
    struct buf whole;
    size_t room;     /* bytes that `said` may hold before the session must wait */
    unsigned writes; /* of the session, since the script last asked */
    bool sent_end;   /* the script sends no more */
    bool hung_up;    /* and reads no more: what it has sent can still be read */
    bool cut;        /* the connection is gone */
    bool said_end;   /* the session says no more */
    bool closed;     /* the session has closed its stream */
    struct fiber_cond to_session, to_script, drained;
};

void wire_init(struct wire *w, size_t room);
void wire_done(struct wire *w); /* the session must have closed its stream */

struct stream *wire_stream(struct wire *w); /* the session's end; `w` must outlive it */

void wire_send(struct wire *w, struct slice bytes); /* arrives as one piece */
void wire_send_end(struct wire *w);
void wire_hang_up(struct wire *w);
void wire_cut(struct wire *w);

/* Waits until more has been said than `have` bytes, or the session has ended. 0, -ETIMEDOUT. */
int wire_wait(struct wire *w, size_t have, usec_t deadline) WAITS;

void wire_drop(struct wire *w, size_t len); /* the first bytes of `said` have been read */
