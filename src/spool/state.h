/* SPDX-License-Identifier: ISC */
/*
 * The state of a queued message: what is left to do for which recipients of its envelope, encoded
 * as in base/fields.h behind a version byte. It is what stands in the spool: never change a number.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#define SPOOL_TEXT_MAX 65535U /* bytes of any one text below */

/* What is left to do for one recipient. */
struct spool_recipient_state {
    uint32_t index;     /* of the recipient in the envelope */
    uint8_t status;     /* the queue's own */
    uint8_t flags;      /* the queue's own: e.g. which delay notices have gone out */
    uint32_t attempts;  /* made so far */
    usec_t next;        /* wall time of the next attempt */
    struct slice reply; /* the last reply or reason */
    struct slice extra; /* the queue's own; kept as it is */
};

/* A complete snapshot: recipients not named have been settled. */
struct spool_state {
    bool hold;      /* not to be tried before somebody releases it */
    uint32_t flags; /* the queue's own */
    usec_t next;    /* wall time of the next attempt for any recipient */
    const struct spool_recipient_state *recipients;
    size_t count;
};

/* Appends the encoding; -E_LIMIT: too many recipients or too long a text, `to` is as before. */
int spool_state_encode(const struct spool_state *s, struct buf *to);

/*
 * Decodes; texts point into `bytes`, arrays are in the arena. -E_SYNTAX: no such encoding. An index
 * of a decoded state is less than `recipients` of the envelope and greater than the one before it.
 */
int spool_state_decode(struct slice bytes, size_t recipients, struct arena *a,
                       struct spool_state *ret);

/* What can be told from an encoding without an arena: checked as far as the full decoder does. */
int spool_state_summary(struct slice bytes, size_t recipients, struct spool_state *ret);
