/* SPDX-License-Identifier: ISC */
/*
 * One SQLite connection with its prepared statements. Everything here blocks: it is called inside
 * offload(OFFLOAD_DISK) only, by one thread at a time. While a job runs, `problem` is where its
 * caller wants the sentence of a failure.
 */
#pragma once

#include <sqlite3.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

struct db {
    sqlite3 *handle;
    char *path;
    struct map statements; /* by their text */
    struct problem *problem;
};

/* An existing file, or (unless read_only) a new one with mode 0600. Its schema: schema.h. */
int db_open(const char *path, bool read_only, struct db **ret, struct problem *problem);
void db_close(struct db *db);
DEFINE_CLEANUP(struct db, db_close)

/*
 * Makes a statement ready with its parameters bound: one letter each in `types`,
 * 't' struct slice (text), 'b' struct slice (bytes; ptr NULL: null), 'i' int64_t. `sql` is a
 * literal. The slices must live until the statement is reset.
 */
int db_query(struct db *db, sqlite3_stmt **ret, const char *sql, const char *types, ...);

/* The same, run to its end; the number of rows changed, or negative. */
int db_run(struct db *db, const char *sql, const char *types, ...);

/* 1: the first row's first column is in *ret; 0: there is no row; or negative. */
int db_number(struct db *db, int64_t *ret, const char *sql, const char *types, ...);

/* 1: a row is there; 0: no more; or negative with the sentence set. */
int db_step(struct db *db, sqlite3_stmt *statement);

struct slice db_column(sqlite3_stmt *statement, int column, struct arena *a); /* a copy */
uint64_t db_column_u64(sqlite3_stmt *statement, int column);

/* Sets the sentence for what SQLite has just said, and gives our code for it. */
int db_failed(struct db *db);

int db_exec(struct db *db, const char *sql); /* a script without results */
void db_reset_all(struct db *db);            /* ends all reading, so that no old view is held */
