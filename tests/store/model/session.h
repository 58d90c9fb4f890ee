/* SPDX-License-Identifier: ISC */
/*
 * Sessions: fibers that do random things to one account, a row of a table each (session.c), and
 * compare every answer with the model.
 */
#pragma once

#include "look.h"

#define SESSIONS 6U
#define MAYBES   16U

struct run {
    struct world *world;
    struct rng rng;
    struct model *model;
    uint32_t serial; /* the last that was used */
    uint32_t mailbox_names;

    struct model_change flying[SESSIONS]; /* changes that have begun */
    bool is_flying[SESSIONS];

    /* Changes that have failed: gone, but after a crash the disk may be found to have them, until
     * another one has been written behind them. */
    struct model_change maybes[MAYBES];
    size_t maybe_count;

    bool over;    /* the power has failed, or the process is dead: what comes now counts no more */
    bool trouble; /* the disk may fail */
    uint64_t others_least, others_most; /* messages of another account */
    unsigned steps;
    bool trace; /* print what is done */
};

#define OTHER_ACCOUNT 815U

/* Runs the sessions with so many steps each, until all are at their end. */
void sessions_run(struct run *run, unsigned steps);

/* Looks at the whole account while nothing goes on, and reads all messages. `crashed`: what was on
 * its way, or has failed, may be there. */
void sessions_check(struct run *run, bool crashed);
