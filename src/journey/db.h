/* SPDX-License-Identifier: ISC */
/*
 * The ledger's database, for the files of this folder only. Everything here blocks and is called
 * inside offload(OFFLOAD_DISK), one thread at a time for each connection: one connection writes,
 * another one reads.
 *
 *     event    sequence (grows by one), wall time, letter (null: none), record (event.h)
 *     key      block, hash, letter: letters by what people look for. A block is BLOCK_EVENTS
 * events, so that new keys, whose hashes lie anywhere, go into a small part of the file, and old
 * ones leave block by block; a search asks each block, newest first. subject  the subjects, folded,
 * to be searched from the newest on meta     the key of the hashes, made with the database
 */
#pragma once

#include <sqlite3.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "journey/key.h"
#include "letter/id.h"
#include "rpc/calls.h"

#define BLOCK_SHIFT  16U
#define BLOCK_EVENTS (INT64_C(1) << BLOCK_SHIFT)

/* Every statement; its text stands in db.c. */
enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_EVENT_ADD,
    SQL_KEY_ADD,
    SQL_SUBJECT_ADD,
    SQL_FIRST,
    SQL_LAST,
    SQL_WALL,
    SQL_EVENT_PRUNE,
    SQL_SUBJECT_PRUNE,
    SQL_KEY_FIRST_BLOCK,
    SQL_KEY_PRUNE,
    SQL_PAGES,
    SQL_FREE_PAGES,
    SQL_VACUUM,
    SQL_JOURNEY,
    SQL_LOG,
    SQL_LOG_BACK,
    SQL_EXISTS,
    SQL_KEY_FIND,
    SQL_PREFIX,
    SQL_SUBJECT_FIND,
    SQL_STATEMENTS,
};

#define RECENT_KEYS 4096U

struct db {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_STATEMENTS];
    uint8_t hash_key[16];
    int64_t page_size;
    uint64_t next; /* sequence of the next event; for the writer */
    struct arena arena;
    uint64_t recent[RECENT_KEYS]; /* keys written lately: most come again with the next event */
};

/*
 * Opens for writing, making what is missing, or for reading. -E_CORRUPT: to be set aside;
 * -E_VERSION: written by a newer program; others: cannot be used now.
 */
int ledger_db_open(const char *path, bool read_only, struct db **ret, struct problem *problem);
void ledger_db_close(struct db *db);
DEFINE_CLEANUP(struct db, ledger_db_close)

/* The error of what SQLite has just said: -E_CORRUPT, -ENOSPC, -EIO, -E_BUSY, -E_TEMPORARY. */
int ledger_db_failed(struct db *db, struct problem *problem);

/* Binds integers ("i" each, int64_t) and bytes ("b", struct slice) to a statement made ready. */
sqlite3_stmt *db_bind(struct db *db, enum statement s, const char *types, ...);

/* Runs a statement that gives nothing; 0 or a code. */
int ledger_db_run(struct db *db, sqlite3_stmt *statement, struct problem *problem);

/* The first column of the first row; 1, 0 when there is no row, or a code. */
int ledger_db_number(struct db *db, sqlite3_stmt *statement, int64_t *ret, struct problem *problem);

/* ------------------------------------------------------------------ write.c */

/* Events on their way: wall i64, letter u64, length u32 and record, one behind the other. */
struct batch {
    struct buf events;
    size_t count;
};

/* Stores them all or none of them. */
int db_write(struct db *db, const struct batch *batch, struct problem *problem);

/* What may stay. */
struct db_limits {
    usec_t oldest; /* wall time */
    uint64_t size_max;
};

/*
 * Lets go of at most `step` of the oldest events that may not stay, and of a little unused space at
 * the end of the file. 1 when there is more to do, 0, or a code. The newest event always stays, so
 * that sequence numbers do not begin anew.
 */
int db_prune(struct db *db, const struct db_limits *limits, uint64_t step, struct problem *problem);

/* ------------------------------------------------------------------ read.c */

/* A page of events: bounded by the schema and by what fits into a frame. */
#define PAGE_EVENTS 100U
#define PAGE_BYTES  ((size_t)512 << 10)

struct page {
    struct arena *arena;
    struct rpc_event *events; /* PAGE_EVENTS of them */
    size_t count, bytes;
};

/*
 * A sequence number that the database has not reached comes from before it was replaced: then what
 * comes from now on is news.
 */
int db_clamp(struct db *db, uint64_t *after, struct problem *problem);

int db_journey(struct db *db, letter_id letter, uint64_t after, struct page *page,
               struct problem *problem);

/* What part of the log is asked for; moves on while it is read. */
struct log_range {
    uint64_t after; /* out: the last event looked at */
    struct slice role;
    bool more; /* out: the end was not reached */
};
int db_log(struct db *db, struct log_range *range, struct page *page, struct problem *problem);

/* The sequence number behind which the last `count` events (of the role) stand. */
int db_log_last(struct db *db, uint64_t count, struct slice role, uint64_t *ret,
                struct problem *problem);

/* Letters, newest first; at most `max` of them. */
struct letters {
    letter_id *list;
    size_t count, max;
};
int db_find(struct db *db, struct slice what, struct letters *letters, struct problem *problem);
