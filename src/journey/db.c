/* SPDX-License-Identifier: ISC */
/*
 * WAL with synchronous=NORMAL: a commit costs no sync, a power cut may lose what the last seconds
 * wrote and damages nothing. Syncs happen at checkpoints only, one for about 16 MB of log, so that
 * the ledger does not compete with those of the queue and of the mailboxes.
 */
#include "journey/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/random.h"

#define APPLICATION_ID 0x48594c47 /* "HYLG" */
#define FORMAT         1
#define BUSY_MS        2000

static const char *const texts[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_EVENT_ADD] = "INSERT INTO event (sequence, wall, letter, record) VALUES (?1, ?2, ?3, ?4)",
    [SQL_KEY_ADD] = "INSERT OR IGNORE INTO key (block, hash, letter) VALUES (?1, ?2, ?3)",
    [SQL_SUBJECT_ADD] = "INSERT INTO subject (sequence, letter, text) VALUES (?1, ?2, ?3)",
    [SQL_FIRST] = "SELECT sequence FROM event ORDER BY sequence LIMIT 1",
    [SQL_LAST] = "SELECT sequence FROM event ORDER BY sequence DESC LIMIT 1",
    [SQL_WALL] = "SELECT wall FROM event WHERE sequence <= ?1 ORDER BY sequence DESC LIMIT 1",
    [SQL_EVENT_PRUNE] = "DELETE FROM event WHERE sequence <= ?1",
    [SQL_SUBJECT_PRUNE] = "DELETE FROM subject WHERE sequence <= ?1",
    [SQL_KEY_FIRST_BLOCK] = "SELECT block FROM key ORDER BY block LIMIT 1",
    [SQL_KEY_PRUNE] = "DELETE FROM key WHERE block = ?1",
    [SQL_PAGES] = "PRAGMA page_count",
    [SQL_FREE_PAGES] = "PRAGMA freelist_count",
    [SQL_VACUUM] = "PRAGMA incremental_vacuum(128)",
    [SQL_JOURNEY] = "SELECT sequence, wall, letter, record FROM event"
                    " WHERE letter = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
    [SQL_LOG] = "SELECT sequence, wall, letter, record FROM event"
                " WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    [SQL_LOG_BACK] = "SELECT sequence, record FROM event ORDER BY sequence DESC",
    [SQL_EXISTS] = "SELECT 1 FROM event WHERE letter = ?1 LIMIT 1",
    [SQL_KEY_FIND] = "SELECT letter FROM key WHERE block = ?1 AND hash = ?2"
                     " ORDER BY letter DESC",
    [SQL_PREFIX] = "SELECT DISTINCT letter FROM event WHERE letter BETWEEN ?1 AND ?2"
                   " ORDER BY letter DESC LIMIT ?3",
    [SQL_SUBJECT_FIND] = "SELECT letter FROM subject WHERE instr(text, ?1) > 0"
                         " ORDER BY sequence DESC",
};

static const char schema[] =
    "CREATE TABLE event (sequence INTEGER PRIMARY KEY, wall INTEGER NOT NULL, letter INTEGER,"
    " record BLOB NOT NULL);"
    "CREATE INDEX event_letter ON event (letter) WHERE letter IS NOT NULL;"
    "CREATE TABLE key (block INTEGER NOT NULL, hash INTEGER NOT NULL, letter INTEGER NOT NULL,"
    " PRIMARY KEY (block, hash, letter)) WITHOUT ROWID;"
    "CREATE TABLE subject (sequence INTEGER PRIMARY KEY, letter INTEGER NOT NULL,"
    " text BLOB NOT NULL);"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

int ledger_db_failed(struct db *db, struct problem *problem) {
    static const struct {
        int sqlite, code;
        const char *words;
    } failures[] = {
        {SQLITE_NOTADB, -E_CORRUPT, "is not an SQLite database"},
        {SQLITE_CORRUPT, -E_CORRUPT, "is damaged"},
        {SQLITE_FULL, -ENOSPC, "cannot grow: the disk is full"},
        {SQLITE_BUSY, -E_BUSY, "is in use by another program"},
        {SQLITE_LOCKED, -E_BUSY, "is in use by another program"},
        {SQLITE_READONLY, -EROFS, "cannot be written"},
        {SQLITE_CANTOPEN, -EIO, "cannot be opened"},
        {SQLITE_IOERR, -EIO, "cannot be read or written"},
        {SQLITE_NOMEM, -ENOMEM, "needs more memory than there is"},
    };
    int said = sqlite3_errcode(db->handle) & 0xff;
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        if (failures[i].sqlite == said)
            return problem_set(problem, failures[i].code, "ledger.db %s (SQLite: %s)",
                               failures[i].words, sqlite3_errmsg(db->handle));
    }
    return problem_set(problem, -E_TEMPORARY, "ledger.db: SQLite says: %s",
                       sqlite3_errmsg(db->handle));
}

/* ------------------------------------------------------------------ statements */

static void bind_bytes(sqlite3_stmt *statement, int at, struct slice s) {
    if (s.ptr)
        (void)sqlite3_bind_blob64(statement, at, s.ptr, s.len, SQLITE_STATIC);
    else
        (void)sqlite3_bind_zeroblob(statement, at, 0);
}

sqlite3_stmt *db_bind(struct db *db, enum statement s, const char *types, ...) {
    sqlite3_stmt *statement = db->statements[s];
    va_list args;
    va_start(args, types);
    for (int i = 0; statement && types[i]; i++) {
        if (types[i] == 'i')
            (void)sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
        else
            bind_bytes(statement, i + 1, va_arg(args, struct slice));
    }
    va_end(args);
    return statement;
}

int ledger_db_run(struct db *db, sqlite3_stmt *statement, struct problem *problem) {
    int said;
    do
        said = sqlite3_step(statement);
    while (said == SQLITE_ROW);
    int r = said == SQLITE_DONE ? 0 : ledger_db_failed(db, problem);
    (void)sqlite3_reset(statement);
    return r;
}

int ledger_db_number(struct db *db, sqlite3_stmt *statement, int64_t *ret,
                     struct problem *problem) {
    int said = sqlite3_step(statement);
    int r = said == SQLITE_ROW ? 1 : said == SQLITE_DONE ? 0 : ledger_db_failed(db, problem);
    if (r == 1)
        *ret = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement);
    return r;
}

static int exec(struct db *db, const char *sql, struct problem *problem) {
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : ledger_db_failed(db, problem);
}

/* The one number that a pragma or query gives. */
static int ask(struct db *db, const char *sql, int64_t *ret, struct problem *problem) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return ledger_db_failed(db, problem);
    int r = ledger_db_number(db, statement, ret, problem);
    (void)sqlite3_finalize(statement);
    return r < 0 ? r : r == 1 ? 0 : -E_CORRUPT;
}

/* ------------------------------------------------------------------ opening */

static int make_file(const char *path, bool read_only, struct problem *problem) {
    struct stat st;
    int flags = (read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW;
    _cleanup_(close_p) int fd = open(path, flags, 0600);
    if (fd < 0 || fstat(fd, &st) < 0)
        return problem_set(problem, -errno, "%s cannot be opened: %s", path, error_text(errno));
    if (!S_ISREG(st.st_mode))
        return problem_set(problem, -E_CORRUPT, "%s is not a regular file", path);
    return 0;
}

static int make_schema(struct db *db, struct problem *problem) {
    char sql[128], key[16];
    sqlite3_stmt *statement = NULL;
    random_bytes(key, sizeof key);
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   APPLICATION_ID, FORMAT);
    int r = exec(db, "BEGIN IMMEDIATE", problem);
    if (r == 0)
        r = exec(db, schema, problem);
    if (r == 0)
        r = exec(db, sql, problem);
    if (r == 0 && sqlite3_prepare_v2(db->handle, "INSERT INTO meta VALUES ('hash key', ?1)", -1,
                                     &statement, NULL) != SQLITE_OK)
        r = ledger_db_failed(db, problem);
    if (r == 0) {
        bind_bytes(statement, 1, slice_of(key, sizeof key));
        r = ledger_db_run(db, statement, problem);
    }
    (void)sqlite3_finalize(statement);
    return r == 0 ? exec(db, "COMMIT", problem) : r;
}

static int load_hash_key(struct db *db, struct problem *problem) {
    sqlite3_stmt *statement = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(db->handle, "SELECT value FROM meta WHERE name = 'hash key'", -1,
                           &statement, NULL) != SQLITE_OK)
        return ledger_db_failed(db, problem);
    if (sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_bytes(statement, 0) == sizeof db->hash_key)
        memcpy(db->hash_key, sqlite3_column_blob(statement, 0), sizeof db->hash_key);
    else
        r = problem_set(problem, -E_CORRUPT, "ledger.db has no key for its hashes");
    (void)sqlite3_finalize(statement);
    return r;
}

/* A file that is ours, of a format that we know; made so when it is empty and may be written. */
static int check_format(struct db *db, bool read_only, struct problem *problem) {
    int64_t application = 0, format = 0, tables = 0;
    int r = ask(db, "PRAGMA application_id", &application, problem);
    if (r == 0)
        r = ask(db, "PRAGMA user_version", &format, problem);
    if (r == 0)
        r = ask(db, "SELECT count(*) FROM sqlite_schema", &tables, problem);
    if (r < 0)
        return r;
    if (tables == 0)
        return read_only ? problem_set(problem, -E_TEMPORARY, "ledger.db is not made yet")
                         : make_schema(db, problem);
    if (application != APPLICATION_ID)
        return problem_set(problem, -E_CORRUPT, "ledger.db is not a ledger");
    if (format > FORMAT)
        return problem_set(problem, -E_VERSION, "ledger.db was written by a newer release");
    return 0;
}

static int configure(struct db *db, bool read_only, struct problem *problem) {
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (read_only)
        return exec(db, "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192",
                    problem);
    return exec(db,
                "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
                "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000;"
                "PRAGMA journal_size_limit=33554432; PRAGMA temp_store=MEMORY;"
                "PRAGMA cache_size=-16384",
                problem);
}

static int prepare_all(struct db *db, struct problem *problem) {
    for (size_t i = 0; i < SQL_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(db->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[i], NULL) != SQLITE_OK)
            return ledger_db_failed(db, problem);
    }
    return 0;
}

static int set_up(struct db *db, bool read_only, struct problem *problem) {
    int64_t last = 0;
    int r = configure(db, read_only, problem);
    if (r == 0)
        r = check_format(db, read_only, problem);
    if (r == 0)
        r = ask(db, "PRAGMA page_size", &db->page_size, problem);
    if (r == 0)
        r = load_hash_key(db, problem);
    if (r == 0)
        r = prepare_all(db, problem);
    if (r == 0)
        r = ledger_db_number(db, db->statements[SQL_LAST], &last, problem);
    db->next = (uint64_t)last + 1;
    return MIN(r, 0);
}

/* The reader opens for writing too: it may have to make the shared memory of the WAL. */
int ledger_db_open(const char *path, bool read_only, struct db **ret, struct problem *problem) {
    int r = make_file(path, read_only, problem);
    if (r < 0)
        return r;
    _cleanup_(ledger_db_close_p) struct db *db = NEW(struct db);
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return ledger_db_failed(db, problem);
    r = set_up(db, read_only, problem);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(db);
    return 0;
}

void ledger_db_close(struct db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < SQL_STATEMENTS; i++)
        (void)sqlite3_finalize(db->statements[i]);
    (void)sqlite3_close_v2(db->handle);
    arena_done(&db->arena);
    free(db);
}
