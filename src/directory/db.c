/* SPDX-License-Identifier: ISC */
/*
 * Settings of the connection: WAL with synchronous=FULL, so that a commit is on the disk when it
 * returns; the file is treated as untrusted (no functions from the schema, cells checked).
 * The connection is not locked by SQLite: its owner lets one thread in at a time.
 */
#include "directory/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/alloc.h"

#define BUSY_MS 5000

static const struct {
    int sqlite;
    int code;
    const char *words;
} failures[] = {
    {SQLITE_NOTADB, -E_CORRUPT, "is not an SQLite database; restore it from a backup"},
    {SQLITE_CORRUPT, -E_CORRUPT, "is damaged; restore it from a backup"},
    {SQLITE_BUSY, -E_TEMPORARY, "is in use by another program"},
    {SQLITE_LOCKED, -E_TEMPORARY, "is in use by another program"},
    {SQLITE_FULL, -ENOSPC, "cannot grow: the disk is full"},
    {SQLITE_READONLY, -EROFS, "cannot be written"},
    {SQLITE_IOERR, -EIO, "cannot be read or written"},
    {SQLITE_CANTOPEN, -EIO, "cannot be opened"},
    {SQLITE_CONSTRAINT, -EEXIST, "holds that name already"},
    {SQLITE_NOMEM, -ENOMEM, "needs more memory than there is"},
};

int db_failed(struct db *db) {
    int sqlite = sqlite3_extended_errcode(db->handle) & 0xff;
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        if (failures[i].sqlite == sqlite)
            return problem_set(db->problem, failures[i].code, "%s %s (SQLite: %s)", db->path,
                               failures[i].words, sqlite3_errmsg(db->handle));
    }
    return problem_set(db->problem, -E_TEMPORARY, "%s: SQLite says: %s", db->path,
                       sqlite3_errmsg(db->handle));
}

/* SQLite would make a new file with the umask's mode: make it first, for nobody else to read. */
static int make_file(const char *path, bool read_only, struct problem *problem) {
    int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
    _cleanup_(close_p) int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return problem_set(problem, -errno, "%s cannot be opened: %s", path, error_text(errno));
    struct stat st;
    if (fstat(fd, &st) < 0)
        return problem_set(problem, -errno, "%s: %s", path, error_text(errno));
    if (!S_ISREG(st.st_mode))
        return problem_set(problem, -EINVAL, "%s is not a regular file", path);
    if (read_only && st.st_size == 0)
        return problem_set(problem, -E_CORRUPT, "%s is empty", path);
    return 0;
}

static int configure(struct db *db) {
    int on = 1;
    (void)sqlite3_extended_result_codes(db->handle, on);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return db_exec(db, "PRAGMA cell_size_check=ON; PRAGMA synchronous=FULL;"
                       "PRAGMA temp_store=MEMORY; SELECT count(*) FROM sqlite_schema");
}

int db_open(const char *path, bool read_only, struct db **ret, struct problem *problem) {
    int r = make_file(path, read_only, problem);
    if (r < 0)
        return r;
    _cleanup_(db_close_p) struct db *db = NEW(struct db);
    db->path = mem_str(slice_of_str(path));
    db->problem = problem;
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK)
        return db_failed(db);
    r = configure(db);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(db);
    return 0;
}

void db_close(struct db *db) {
    if (!db)
        return;
    size_t at = 0;
    struct map_entry *e;
    while ((e = map_next(&db->statements, &at)))
        (void)sqlite3_finalize(e->value);
    map_done(&db->statements);
    (void)sqlite3_close_v2(db->handle);
    free(db->path);
    free(db);
}

int db_exec(struct db *db, const char *sql) {
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_failed(db);
}

static int prepare(struct db *db, const char *sql, sqlite3_stmt **ret) {
    struct slice key = slice_of_str(sql);
    sqlite3_stmt *statement = map_get(&db->statements, key);
    if (!statement) {
        if (sqlite3_prepare_v3(db->handle, sql, (int)key.len, SQLITE_PREPARE_PERSISTENT, &statement,
                               NULL) != SQLITE_OK)
            return db_failed(db);
        (void)map_put(&db->statements, key, statement);
    }
    (void)sqlite3_reset(statement);
    *ret = statement;
    return 0;
}

static int bind(sqlite3_stmt *statement, const char *types, va_list args) {
    int r = SQLITE_OK;
    for (int i = 0; types[i] && r == SQLITE_OK; i++) {
        if (types[i] == 'i') {
            r = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
            continue;
        }
        struct slice s = va_arg(args, struct slice);
        if (types[i] == 't')
            r = sqlite3_bind_text64(statement, i + 1, s.ptr ? s.ptr : "", s.len, SQLITE_STATIC,
                                    SQLITE_UTF8);
        else
            r = s.ptr ? sqlite3_bind_blob64(statement, i + 1, s.ptr, s.len, SQLITE_STATIC)
                      : sqlite3_bind_null(statement, i + 1);
    }
    return r;
}

static int query(struct db *db, sqlite3_stmt **ret, const char *sql, const char *types,
                 va_list args) {
    int r = prepare(db, sql, ret);
    if (r < 0)
        return r;
    return bind(*ret, types, args) == SQLITE_OK ? 0 : db_failed(db);
}

int db_query(struct db *db, sqlite3_stmt **ret, const char *sql, const char *types, ...) {
    va_list args;
    va_start(args, types);
    int r = query(db, ret, sql, types, args);
    va_end(args);
    return r;
}

int db_step(struct db *db, sqlite3_stmt *statement) {
    int r = sqlite3_step(statement);
    if (r == SQLITE_ROW)
        return 1;
    if (r != SQLITE_DONE)
        return db_failed(db);
    (void)sqlite3_reset(statement);
    return 0;
}

int db_run(struct db *db, const char *sql, const char *types, ...) {
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, types);
    int r = query(db, &statement, sql, types, args);
    va_end(args);
    if (r == 0)
        r = db_step(db, statement);
    return r < 0 ? r : sqlite3_changes(db->handle);
}

int db_number(struct db *db, int64_t *ret, const char *sql, const char *types, ...) {
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, types);
    int r = query(db, &statement, sql, types, args);
    va_end(args);
    if (r == 0)
        r = db_step(db, statement);
    if (r == 1) {
        *ret = sqlite3_column_int64(statement, 0);
        (void)sqlite3_reset(statement);
    }
    return r;
}

struct slice db_column(sqlite3_stmt *statement, int column, struct arena *a) {
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t len = (size_t)sqlite3_column_bytes(statement, column);
    return bytes ? arena_copy(a, slice_of(bytes, len)) : (struct slice){0};
}

uint64_t db_column_u64(sqlite3_stmt *statement, int column) {
    return (uint64_t)sqlite3_column_int64(statement, column);
}

void db_reset_all(struct db *db) {
    for (sqlite3_stmt *s = sqlite3_next_stmt(db->handle, NULL); s;
         s = sqlite3_next_stmt(db->handle, s))
        (void)sqlite3_reset(s);
}
