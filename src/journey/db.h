/* SPDX-License-Identifier: ISC */
/*
 * The event log's database, for the files of this folder only. Everything here blocks and is called
 * inside offload(OFFLOAD_DISK), one thread at a time for each connection: one connection writes,
 * another one reads.
 *
 *     event    sequence (grows by one), wall time, message (null: none), record (record.h)
 *     key      block, hash, message: messages by what people look for. A block is BLOCK_EVENTS
 *              events, so that new keys, whose hashes lie anywhere, go into so few pages that a
 *              batch changes each of them several times, and old ones leave block by block; a
 *              search asks each block, newest first
 *     subject  the subjects, folded, to be searched from the newest on
 *     meta     the key of the hashes, made with the database
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "db/db.h"
#include "events/event.h"
#include "journey/event_log.h"
#include "journey/key.h"
#include "message/queue_id.h"

#define BLOCK_SHIFT  12U /* a new one is a step in db.c */
#define BLOCK_EVENTS (INT64_C(1) << BLOCK_SHIFT)

#define RECENT_KEYS 4096U

struct event_db {
    struct db *db; /* its `problem` gets the sentences */
    uint8_t hash_key[16];
    uint64_t next; /* sequence of the next event; for the writer */
    struct arena arena;
    uint64_t recent[RECENT_KEYS]; /* keys written lately: most come again with the next event */
};

/* Used at several places. */
#define SQL_FIRST "SELECT sequence FROM event ORDER BY sequence LIMIT 1"
#define SQL_LAST  "SELECT sequence FROM event ORDER BY sequence DESC LIMIT 1"

/*
 * Opens for writing, making what is missing, or for reading. -E_CORRUPT: to be set aside;
 * -E_VERSION: written by a newer program; others (db/db.h): cannot be used now.
 */
int event_db_open(const char *path, bool read_only, struct event_db **ret, struct problem *problem);
void event_db_close(struct event_db *l);
DEFINE_CLEANUP(struct event_db, event_db_close)

/* ------------------------------------------------------------------ write.c */

/* Events on their way: wall i64, message u64, length u32 and record, one behind the other. */
struct batch {
    struct buf events;
    size_t count;
};

/* Stores them all or none of them. */
int event_db_write(struct event_db *l, const struct batch *batch);
int event_db_write_synced(struct event_db *l, const struct batch *batch); /* on the disk, too */

/* What may stay. */
struct db_limits {
    usec_t oldest, now; /* wall time */
    uint64_t size_max;
};

/*
 * Lets go of at most `step` of the oldest events that may not stay, and of a little unused space at
 * the end of the file. 1 when there is more to do, 0, or a code. The newest event always stays, so
 * that sequence numbers do not begin anew.
 */
int event_db_prune(struct event_db *l, const struct db_limits *limits, uint64_t step);

/* ------------------------------------------------------------------ read.c */

/* A page of events: bounded by the schema and by what fits into a frame. */
#define PAGE_EVENTS 100U
#define PAGE_BYTES  ((size_t)512 << 10)

struct page {
    struct arena *arena;
    struct event *events; /* PAGE_EVENTS of them */
    size_t count, bytes;
};

/*
 * A sequence number that the database has not reached comes from before it was replaced: then what
 * comes from now on is news.
 */
int event_db_clamp(struct event_db *l, uint64_t *after);

int event_db_journey(struct event_db *l, queue_id message, uint64_t after, struct page *page);

/* What part of the log is asked for; moves on while it is read. */
struct log_range {
    uint64_t after; /* out: the last event looked at */
    struct slice role;
    usec_t since, until; /* wall times; 0: any */
    const struct slice *words;
    size_t word_count;
    bool more; /* out: the end was not reached */
};
int event_db_log(struct event_db *l, struct log_range *range, struct page *page);

/*
 * The sequence number behind which the last `count` events of the range stand (0: all of them);
 * `range->after` plays no part.
 */
int event_db_log_last(struct event_db *l, uint64_t count, const struct log_range *range,
                      uint64_t *ret);

/* Messages, newest first; at most `max` of them. */
struct messages {
    queue_id *list;
    size_t count, max;
};

/* Adds what it finds; `ret_more`: it has not looked at all of them, go on with the same search. */
int event_db_find(struct event_db *l, struct event_log_search *s, struct messages *messages,
                  bool *ret_more);

/* Whether a word is in an event: in its sentence, its facts but the dialogue, kind, or message. */
bool search_event_has(const struct event *e, struct slice word);
