/* SPDX-License-Identifier: ISC */
/*
 * The inside of the event log, for event_log*.c only.
 *
 * Two batches: one fills while the other one is written in another thread. The working fiber alone
 * writes, prunes and replaces the database; calls read through a connection of their own, one at a
 * time. A call first waits until all events that came before it are written, so that what memory
 * holds never has to be merged with what the database says.
 *
 * A batch that cannot be written is kept and tried again every few seconds, and what comes
 * meanwhile waits in memory up to the bound. Only a database that is damaged or too new is put
 * aside.
 */
#pragma once

#include "base/even_clock.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "journey/db.h"
#include "journey/event_log.h"

#define EVENT_LOG_BATCH_EVENTS 1000U

/* Somebody waits for news of a message (0: of any). */
struct follower {
    struct link link;
    queue_id message;
    bool hit;
};

#define EVENT_LOG_MAGIC 0x4c454447U

struct event_log {
    unsigned magic;
    struct event_log_options options;
    char *path;
    struct batch filling, writing;
    usec_t filling_since;
    uint64_t added, written; /* counts of events */
    uint64_t lost;           /* not said yet */
    uint64_t lost_in_all;
    bool working, over; /* the working fiber: has begun, has ended */
    bool stopping;
    bool tried;              /* the database was opened once, or could not be */
    bool failing;            /* the last attempt to write failed */
    bool damaged;            /* a reader met damage: put the database aside */
    bool hurry;              /* somebody waits for what is in memory */
    bool sync;               /* what fills now is to be synced when it is written */
    bool syncing;            /* the same of what is being written */
    struct even_clock clock; /* since the working fiber has begun */
    usec_t check_at;         /* when to look for events to prune */
    uint64_t unchecked;      /* bytes written since then */
    struct fiber_cond filled, stored, ended;
    struct fiber_mutex reading;
    struct event_db *writer, *reader;
    struct list followers;
};

/* Waits until what came so far is written, or cannot be. */
int event_log_flush(struct event_log *l, struct problem *problem) WAITS;
