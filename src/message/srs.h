/* SPDX-License-Identifier: ISC */
/*
 * Sender rewriting (SRS) for messages that are sent on: the reverse-path becomes an address of this
 * host, for which SPF lets it send, and a bounce to that address leads back to the sender.
 *
 *     a@one.test        SRS0=HHHHHH=DD=one.test=a@here.test
 *     SRS0=X@two.test   SRS1=HHHHHH=two.test==X@here.test       sent on before
 *
 * DD is the day, HHHHHH a keyed hash over what follows it; neither depends on case. SRS1 has the
 * day of the first host that sent it on, which is that one's to judge. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define SRS_DAYS 14 /* so long a bounce finds its way */

struct srs {
    const uint8_t *key; /* 16 bytes */
    struct slice host;  /* the domain of the addresses that are made */
    int64_t day;        /* today, since 1970 */
};

/* Whether a local part is of this form, ours or somebody else's. */
bool srs_is(struct slice local);

/*
 * The address from which `address` is sent on; in the arena. Empty: its local part would have more
 * than the 64 bytes that others need to take (RFC 5321 §4.5.3.1.1), or has what cannot stand there.
 */
struct slice srs_forward(const struct srs *s, struct slice address, struct arena *a);

/*
 * Where a local part of ours leads back to. -E_SYNTAX: it is not of this form; -E_REFUSED: it was
 * not made here, or too long ago.
 */
int srs_back(const struct srs *s, struct slice local, struct arena *a, struct slice *ret);
