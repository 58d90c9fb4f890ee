/* SPDX-License-Identifier: ISC */
/*
 * An open SQLite database: what the file is and how it is used, prepared statements, values in and
 * out, transactions, and SQLite's errors in our words.
 *
 *     int r = db_begin(db);
 *     if (r == 0)
 *         r = db_end(db, db_run(db, "DELETE FROM messages WHERE uid = ?1", V(uid)));
 *
 * Everything here blocks: it is called within offload(OFFLOAD_DISK), by one thread at a time for
 * each handle.
 *
 * Errors, beside those that each call names: -E_CORRUPT (damaged, or its tables are not those that
 * the statements name), -EEXIST (a row breaks a rule of its table: mostly a key that is there
 * already), -E_BUSY (somebody else has the file), -ENOSPC, -EROFS, -EACCES, -EIO, -ENOMEM,
 * -E_TEMPORARY (whatever else SQLite says). All come with a sentence for the handle's `problem`.
 */
#pragma once

#include <sqlite3.h>

#include "base/arena.h"
#include "base/error.h"

struct db_statement;

struct db {
    sqlite3 *handle;         /* for what only one database needs of SQLite */
    struct problem *problem; /* where sentences go; NULL, as after opening: nobody asks for them */
    const struct db_kind *kind;
    struct db_statement *statements; /* those prepared so far */
    size_t statement_count;
    char path[]; /* as it was opened; "" in memory */
};

/* ------------------------------------------------------------------ opening (open.c) */

/*
 * What all files of one kind have in common. Formats: steps[n] is a script that turns format n into
 * n + 1, format 0 being an empty file; a release adds steps and changes none. The format is the
 * file's user_version.
 */
struct db_kind {
    const char *what;        /* "a directory of Hayauma": for sentences */
    const char *remedy;      /* what to do about damage, "; restore it from a backup", or "" */
    uint32_t application_id; /* the mark of our files; 0: they have none */
    const char *const *steps;
    size_t step_count;
    int (*teach)(struct db *db); /* SQL functions that the steps call; may be NULL */
    int (*fill)(struct db *db);  /* the first rows, in the transaction of the steps; may be NULL */
    const char *pragmas;         /* of a handle that writes, before it looks at the file */
    const char *read_pragmas;    /* of one that reads */
    int busy_ms;                 /* how long to wait for somebody else's lock */
    int lookaside;               /* blocks of 256 bytes kept for small things; 0: SQLite decides */
    bool check_pages;            /* look at every page first: for files that are small */
};

enum db_mode {
    DB_READ,   /* never changes the file; -E_TEMPORARY while it is empty */
    DB_WRITE,  /* a file that is there, with its tables */
    DB_CREATE, /* makes the file (mode 0600) and its tables where there are none */
};

/*
 * Opens a database; a path of NULL makes one in memory. Writers use a write-ahead log and bring the
 * file to the newest format. -E_CORRUPT: no database, somebody else's, or damaged; it is left as it
 * was. -E_VERSION: a newer release has made it.
 */
int db_open(const char *path, enum db_mode mode, const struct db_kind *kind, struct db **ret,
            struct problem *problem);
void db_close(struct db *db); /* NULL is fine */
DEFINE_CLEANUP(struct db, db_close)

/* ------------------------------------------------------------------ values */

/* What a statement gets for ?1, ?2, ...: V(number), V_TEXT(slice), V_BYTES(slice) or V_NULL. */
struct db_value {
    enum db_type { DB_END, DB_NUMBER, DB_TEXT, DB_BYTES, DB_NULL } type;
    union {
        int64_t number;
        struct slice bytes; /* not copied: lives until the statement is reset */
    };
};
#define V(n)       ((struct db_value){.type = DB_NUMBER, .number = (int64_t)(n)})
#define V_TEXT(s)  ((struct db_value){.type = DB_TEXT, .bytes = (s)})
#define V_BYTES(s) ((struct db_value){.type = DB_BYTES, .bytes = (s)})
#define V_NULL     ((struct db_value){.type = DB_NULL})

#define DB_VALUES(...) ((const struct db_value[]){__VA_ARGS__ __VA_OPT__(, ){.type = DB_END}})

/* Columns of the row that a statement stands on, from 0. Bytes are SQLite's until the next step. */
static inline int64_t db_i64(sqlite3_stmt *row, int column) {
    return sqlite3_column_int64(row, column);
}
static inline uint64_t db_u64(sqlite3_stmt *row, int column) {
    return (uint64_t)sqlite3_column_int64(row, column);
}
static inline struct slice db_bytes(sqlite3_stmt *row, int column) {
    const void *bytes = sqlite3_column_blob(row, column);
    return slice_of(bytes, (size_t)sqlite3_column_bytes(row, column));
}
struct slice db_copy(sqlite3_stmt *row, int column, struct arena *a); /* null, empty: ptr NULL */

/* ------------------------------------------------------------------ statements */

/*
 * A statement is prepared when it is first used and kept with the handle. It is known by its
 * address: `sql` is a literal or a constant, never text that is put together.
 *
 * The values follow, as many as the statement has parameters.
 */

/* Runs a statement to its end, whatever rows it gives. 0 or an error. */
#define db_run(db, sql, ...) db_run_values((db), (sql), DB_VALUES(__VA_ARGS__))
int db_run_values(struct db *db, const char *sql, const struct db_value *values);

/* How many rows the last statement has inserted, changed or deleted. */
static inline int db_changes(const struct db *db) {
    return sqlite3_changes(db->handle);
}

/* 1: the first column of the first row is in *ret; 0: there is no row; or an error. */
#define db_number(db, ret, sql, ...) db_number_values((db), (ret), (sql), DB_VALUES(__VA_ARGS__))
int db_number_values(struct db *db, int64_t *ret, const char *sql, const struct db_value *values);

/*
 * Makes a statement ready for db_step(), which gives 1 for each row, then 0; at the end and after
 * an error the statement is reset. Whoever stops before that resets it, since it would keep an old
 * view of the file from then on.
 */
#define db_query(db, ret, sql, ...) db_query_values((db), (ret), (sql), DB_VALUES(__VA_ARGS__))
int db_query_values(struct db *db, sqlite3_stmt **ret, const char *sql,
                    const struct db_value *values);
int db_step(struct db *db, sqlite3_stmt *statement);

/* Both of them: 1: the statement stands on its first row; 0: there is none; or an error. */
#define db_row(db, ret, sql, ...) db_row_values((db), (ret), (sql), DB_VALUES(__VA_ARGS__))
int db_row_values(struct db *db, sqlite3_stmt **ret, const char *sql,
                  const struct db_value *values);

void db_reset(sqlite3_stmt **statement); /* for _cleanup_; NULL is fine */
void db_reset_all(struct db *db);        /* every statement of the handle */

int db_exec(struct db *db, const char *script); /* statements without rows, not kept */

/* ------------------------------------------------------------------ transactions */

/* Takes the right to write at once: -E_BUSY here and not in the middle. */
int db_begin(struct db *db);

/*
 * Ends it with the result of what was done: commits, or undoes everything when it is an error. The
 * result, or why it cannot be committed. The sentence stays that of the cause.
 */
int db_end(struct db *db, int result);

/* ------------------------------------------------------------------ errors */

/* Tells what SQLite has just said, and gives our code for it. */
int db_failed(struct db *db);
