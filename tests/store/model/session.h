/* SPDX-License-Identifier: ISC */
/*
 * Sessions: fibers that do random things to two accounts, a row of a table each (session.c), and
 * compare every answer with the models.
 */
#pragma once

#include "look.h"

#define SESSIONS 6U
#define SLOTS    4U /* changes of one session that may be on their way */
#define MAYBES   16U
#define SIDES    2U

/* An account and what it must hold. */
struct side {
    uint64_t id;
    struct model *model;

    /* Changes that have failed: gone, but after a crash the disk may be found to have them, until
     * another one has been written behind them. */
    struct model_change maybes[MAYBES];
    size_t maybe_count;
};

struct run {
    struct world *world;
    struct store_account *second; /* of the second side; the first one's is the world's */
    struct rng rng;
    struct side sides[SIDES];
    uint32_t serial, value; /* the last that were used */
    uint32_t unknown;       /* mailboxes on their way, or not */

    struct model_change flying[SESSIONS * SLOTS]; /* changes that have begun */
    bool is_flying[SESSIONS * SLOTS];
    bool carries; /* messages go from one account to the other */
    struct place {
        unsigned account;
        uint32_t mailbox;
    } carried; /* from here, several at once: they stay meanwhile */

    bool over;    /* the power has failed, or the process is dead: what comes now counts no more */
    bool trouble; /* the disk may fail */
    uint64_t others_least, others_most; /* messages of a third account */
    unsigned steps;
    bool time_passed;
    bool trace; /* print what is done */
};

#define SIDE_ACCOUNT  (TEST_ACCOUNT + 256U) /* the second one */
#define OTHER_ACCOUNT 815U

/* Runs the sessions with so many steps each, until all are at their end. */
void sessions_run(struct run *run, unsigned steps) WAITS;

/* Looks at both accounts while nothing goes on, and reads all messages. `crashed`: what was on its
 * way, or has failed, may be there. */
void sessions_check(struct run *run, bool crashed) WAITS;

/* ------------------------------------------------------------------ among the files of sessions */

struct session {
    struct run *run;
    unsigned number;
    struct side *side; /* what it mostly works on */
    struct store_account *account;
    struct look *held; /* a picture that is some steps old */
    struct album *held_properties;
    uint64_t held_modseq;
};

unsigned session_account(const struct session *s); /* its number among the two */
uint32_t session_pick(struct session *s, uint32_t bound);
struct model_mailbox *session_mailbox(struct session *s);
uint64_t session_word(struct session *s); /* flags, and sometimes keywords */
void session_uids(struct session *s, const struct model_mailbox *b, struct model_change *c);

/* A change of the session's account begins, in one of its slots. */
struct model_change *session_begin(struct session *s, unsigned slot, enum model_verb verb,
                                   uint32_t mailbox);

/*
 * It has come back, with its numbers in it; how much the model was changed by it. Errors are those
 * of a bad disk, and -E_UNKNOWN for a mailbox that was removed; the change counts no more then.
 */
size_t session_end(struct session *s, struct model_change *c, int error);
void session_drop(struct session *s, struct model_change *c); /* refused: nothing was done */

/* Whether there is a change of this verb on its way, of or to the mailbox; 0: any. */
bool session_is_flying(const struct session *s, unsigned account, enum model_verb verb,
                       uint32_t mailbox);

/* Messages of the mailbox must not go now. */
bool session_is_carried(const struct session *s, uint32_t mailbox);

/* No room for what may be on its way. */
bool session_is_full(const struct model_mailbox *b);

/* session_messages.c */
void do_deliver(struct session *s) WAITS;
void do_quota(struct session *s) WAITS;
void do_deliver_elsewhere(struct session *s) WAITS;
void do_expunge(struct session *s) WAITS;
void do_copy(struct session *s) WAITS;
void do_move(struct session *s) WAITS;
void do_flags(struct session *s) WAITS;

/* session_mailboxes.c */
void do_create(struct session *s) WAITS;
void do_rename(struct session *s) WAITS;
void do_remove(struct session *s) WAITS;
void do_subscribe(struct session *s) WAITS;
void do_metadata(struct session *s) WAITS;
void do_rights(struct session *s) WAITS;
void do_properties(struct session *s) WAITS;

/* session_carry.c */
void do_carry(struct session *s) WAITS;
void do_restore(struct session *s) WAITS;

/* After a crash: what went from one account to the other is in one of them. */
void carried_is_somewhere(const struct run *run, const struct model_change *changes, size_t count);
