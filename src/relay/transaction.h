/* SPDX-License-Identifier: ISC */
/*
 * Inside of one transaction: what settle.c, envelope.c and transaction.c share. For these only.
 */
#pragma once

#include "relay/talk.h"

enum rcpt_state {
    RCPT_OPEN,
    RCPT_ACCEPTED,
    RCPT_SETTLED,
    RCPT_BARRED, /* settled before anything was said: no command is sent for it */
};

struct transaction {
    struct relay_client *c;
    const struct relay_message *message;
    struct arena *a;
    struct relay_result *results;
    enum rcpt_state *states;
    size_t commands;          /* MAIL, each RCPT, DATA */
    size_t written, answered; /* of them */
    size_t group;             /* bytes written since the last time all were answered */
    size_t group_first;       /* the command that was written first since then */
    size_t unsettled;         /* recipients in state RCPT_OPEN or RCPT_ACCEPTED */
    size_t accepted;          /* recipients in state RCPT_ACCEPTED */
    bool go_ahead;            /* the peer said 354 */
    unsigned data_code;       /* or else this */
    bool refused_accepted;    /* although it had accepted somebody */
};

/* ------------------------------------------------------------------ settle.c */

/* Settles one recipient, or all that are open; those that are settled keep what they have. */
void transaction_settle(struct transaction *t, size_t i, const struct relay_result *result);
void transaction_settle_open(struct transaction *t, const struct relay_result *result);
void transaction_settle_own_words(struct transaction *t, enum relay_disposition disposition,
                                  struct smtp_reply reply, bool next_host);

/* Whom a refusal hit, from the `first` on, it may not have been meant for: they wait. */
void transaction_doubt(struct transaction *t, size_t first);

/* A reply to MAIL or DATA that is not the one wanted settles all that is open. */
void transaction_refuse(struct transaction *t, const struct smtp_reply *reply);

/* The session is over before the message was complete: another host may take it. */
int transaction_lost(struct transaction *t, int error, const struct smtp_reply *reply);

/*
 * 421, with which the host closes the connection (RFC 5321 §3.8), or a reply that makes no sense
 * there: whatever is open may go elsewhere.
 */
int transaction_closing(struct transaction *t, const struct smtp_reply *reply);

/* Nobody knows which reply was meant for whom: all is said again over another connection. */
int transaction_begin_anew(struct transaction *t);

/* The peer does not expect commands in groups: the same over another connection, one by one. */
int transaction_ask_one_by_one(struct transaction *t, const struct smtp_reply *reply) WAITS;

/*
 * Before a command while nothing is outstanding, and behind the last reply: whatever has come is
 * none. 0, or negative when the session is of no use any more.
 */
int transaction_pass_over_surplus(struct transaction *t) WAITS;

/*
 * Before anything is said, what cannot be: bytes that would end a command line never get into one,
 * whoever let them in; and a message that the host does not take by what it told of itself.
 */
void transaction_check_addresses(struct transaction *t);
void transaction_check_message(struct transaction *t);

/* ------------------------------------------------------------------ envelope.c */

/* Between two transactions of a session. 0, or negative: the session is over. */
int envelope_reset(struct transaction *t) WAITS;

/*
 * MAIL to DATA. 0 with go_ahead set or not; negative: the session is over. Nothing more is written
 * once every recipient is settled, but what was written is read.
 */
int envelope_send(struct transaction *t) WAITS;

/* What stands in the place of the 354 counts if nothing is on its way behind it. */
int envelope_confirm_refusal(struct transaction *t) WAITS;
