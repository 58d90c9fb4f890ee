/* SPDX-License-Identifier: ISC */
/*
 * How many connections an edge has, of which kind and from where: who is let in, who has to try
 * again later. Strangers on port 25 can neither take the places of users nor users those of
 * readers, nor those who fetch the places of those who stay. An IPv6 network of 64 bits counts as
 * one address, since one host may use all of it, and all of one of 48 bits, which one customer may
 * have, as sixteen. This host and trusted networks have no limit of their own: behind one address
 * there may be a webmail or a gateway with all its users.
 */
#pragma once

#include "base/map.h"
#include "conf/conf.h"

enum crowd_kind {
    CROWD_STRANGERS, /* port 25 */
    CROWD_SENDERS,   /* the submission ports */
    CROWD_READERS,   /* POP3 */
    CROWD_KEEPERS,   /* IMAP: they stay */
    CROWD_KINDS,
};

struct crowd {
    struct map places; /* struct crowd_place by address */
    unsigned count, kinds[CROWD_KINDS];
};

struct crowd_place;

enum crowd_verdict {
    CROWD_WELCOME,
    CROWD_TOO_MANY, /* from this address */
    CROWD_FULL,     /* in all */
};

/*
 * Counts a connection and says whether it may stay; every one that was counted must leave. The
 * place is for the two functions below.
 */
enum crowd_verdict crowd_enter(struct crowd *c, const struct net_addr *peer, enum crowd_kind kind,
                               const struct conf *conf, struct crowd_place **ret_place);
void crowd_leave(struct crowd *c, struct crowd_place *place, enum crowd_kind kind);

/*
 * Somebody has logged in to a mailbox: his connection counts among all, but for its address no
 * more, since that may be the one of a whole office; what an account may have is bounded where its
 * mailbox is. The place is NULL from then on.
 */
void crowd_log_in(struct crowd *c, struct crowd_place **place, enum crowd_kind kind);

/* True while SMTP connections become scarce: timeouts have to shrink. */
bool crowd_is_dense(const struct crowd *c, const struct conf *conf);
