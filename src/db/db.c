/* SPDX-License-Identifier: ISC */
/*
 * Statements, transactions and errors of an open database.
 *
 * A handle has a few dozen statements at most. They stand in a list that is searched by address,
 * which costs a few nanoseconds, where hashing the text would cost more than some statements do.
 */
#include "db/db.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/words.h"

#define STATEMENTS_GROW 16U

struct db_statement {
    const char *sql;
    sqlite3_stmt *prepared;
};

/* ------------------------------------------------------------------ errors */

/* SQLITE_ERROR is what a statement gets whose tables are not there. */
static const struct {
    int sqlite;
    int code;
    const char *words;
} FAILURES[] = {
    {SQLITE_NOTADB, -E_CORRUPT, N_("is not an SQLite database")},
    {SQLITE_CORRUPT, -E_CORRUPT, N_("is damaged")},
    {SQLITE_ERROR, -E_CORRUPT, N_("is damaged")},
    {SQLITE_MISMATCH, -E_CORRUPT, N_("is damaged")},
    {SQLITE_BUSY, -E_BUSY, N_("is in use by another program")},
    {SQLITE_LOCKED, -E_BUSY, N_("is in use by another program")},
    {SQLITE_FULL, -ENOSPC, N_("cannot grow: the disk is full")},
    {SQLITE_READONLY, -EROFS, N_("cannot be written")},
    {SQLITE_PERM, -EACCES, N_("may not be opened by this user")},
    {SQLITE_CANTOPEN, -EIO, N_("cannot be opened")},
    {SQLITE_IOERR, -EIO, N_("cannot be read or written")},
    {SQLITE_CONSTRAINT, -EEXIST, N_("holds that already")},
    {SQLITE_NOMEM, -ENOMEM, N_("needs more memory than there is")},
};

static int fail(struct db *db, int code, const char *words) {
    return problem_set(db->problem,
                       code, /* TRANSLATORS: a file, what is the matter with it, what to do */
                       N_("%s %s%s (SQLite: %s)"), db->path, words,
                       code == -E_CORRUPT ? db->kind->remedy : "", sqlite3_errmsg(db->handle));
}

/*
 * Of a full disk SQLite says so for writes only, not for a new file or the index of its log; of a
 * file of somebody else nothing but that it cannot be opened.
 */
int db_failed(struct db *db) {
    int said = sqlite3_errcode(db->handle) & 0xff;
    int error =
        said == SQLITE_IOERR || said == SQLITE_CANTOPEN ? sqlite3_system_errno(db->handle) : 0;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        said = SQLITE_FULL;
    if (error == EACCES || error == EPERM)
        said = SQLITE_PERM;
    for (size_t i = 0; i < ARRAY_SIZE(FAILURES); i++)
        if (FAILURES[i].sqlite == said)
            return fail(db, FAILURES[i].code, FAILURES[i].words);
    return fail(db, -E_TEMPORARY, "cannot be used");
}

/* ------------------------------------------------------------------ statements */

static int find_statement(struct db *db, const char *sql, sqlite3_stmt **ret) {
    for (size_t i = 0; i < db->statement_count; i++) {
        if (db->statements[i].sql == sql) {
            *ret = db->statements[i].prepared;
            (void)sqlite3_reset(*ret);
            return 0;
        }
    }
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
        return db_failed(db);
    if (db->statement_count % STATEMENTS_GROW == 0)
        db->statements = mem_grow(db->statements,
                                  (db->statement_count + STATEMENTS_GROW) * sizeof *db->statements);
    db->statements[db->statement_count++] = (struct db_statement){sql, *ret};
    return 0;
}

/* SQLite takes a null pointer for null, whatever the length. */
static int bind_value(sqlite3_stmt *statement, int at, const struct db_value *v) {
    const char *bytes = v->type != DB_NUMBER && v->bytes.ptr ? v->bytes.ptr : "";
    switch (v->type) {
    case DB_NUMBER:
        return sqlite3_bind_int64(statement, at, v->number);
    case DB_TEXT:
        return sqlite3_bind_text64(statement, at, bytes, v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BYTES:
        return sqlite3_bind_blob64(statement, at, bytes, v->bytes.len, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

int db_query_values(struct db *db, sqlite3_stmt **ret, const char *sql,
                    const struct db_value *values) {
    int r = find_statement(db, sql, ret);
    if (r < 0)
        return r;
    for (int i = 0; values[i].type != DB_END; i++)
        if (bind_value(*ret, i + 1, &values[i]) != SQLITE_OK)
            return db_failed(db);
    return 0;
}

int db_step(struct db *db, sqlite3_stmt *statement) {
    int said = sqlite3_step(statement);
    if (said == SQLITE_ROW)
        return 1;
    int r = said == SQLITE_DONE ? 0 : db_failed(db);
    (void)sqlite3_reset(statement);
    return r;
}

int db_row_values(struct db *db, sqlite3_stmt **ret, const char *sql,
                  const struct db_value *values) {
    int r = db_query_values(db, ret, sql, values);
    return r < 0 ? r : db_step(db, *ret);
}

int db_run_values(struct db *db, const char *sql, const struct db_value *values) {
    sqlite3_stmt *statement = NULL;
    int r = db_row_values(db, &statement, sql, values);
    while (r == 1)
        r = db_step(db, statement);
    return r;
}

int db_number_values(struct db *db, int64_t *ret, const char *sql, const struct db_value *values) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_row_values(db, &row, sql, values);
    if (r == 1)
        *ret = db_i64(row, 0);
    return r;
}

struct slice db_copy(sqlite3_stmt *row, int column, struct arena *a) {
    struct slice bytes = db_bytes(row, column);
    return bytes.ptr ? arena_copy(a, bytes) : (struct slice){0};
}

void db_reset(sqlite3_stmt **statement) {
    (void)sqlite3_reset(*statement);
}

void db_reset_all(struct db *db) {
    for (size_t i = 0; i < db->statement_count; i++)
        (void)sqlite3_reset(db->statements[i].prepared);
}

int db_exec(struct db *db, const char *script) {
    return sqlite3_exec(db->handle, script, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_failed(db);
}

/* ------------------------------------------------------------------ transactions */

int db_begin(struct db *db) {
    return db_run(db, "BEGIN IMMEDIATE");
}

int db_end(struct db *db, int result) {
    int r = result < 0 ? result : db_run(db, "COMMIT");
    if (r < 0 && !sqlite3_get_autocommit(db->handle)) {
        struct problem *cause = TAKE_PTR(db->problem);
        (void)db_run(db, "ROLLBACK");
        db->problem = cause;
    }
    return r < 0 ? r : result;
}

/* ------------------------------------------------------------------ closing */

void db_close(struct db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < db->statement_count; i++)
        (void)sqlite3_finalize(db->statements[i].prepared);
    (void)sqlite3_close_v2(db->handle);
    free(db->statements);
    free(db);
}
