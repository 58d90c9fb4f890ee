/* SPDX-License-Identifier: ISC */
/*
 * Opening: is the file ours, of a format that we know, and sound? Only then is it written to.
 *
 * A file is not trusted: its schema may call no functions (TRUSTED_SCHEMA), and nothing that SQL
 * can say reaches SQLite's own tables (DEFENSIVE). SQLite's own lock on the connection is off: its
 * owner lets one thread in at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/words.h"
#include "db/db.h"

/*
 * SQLite would make a new file with the umask's mode: it is made first, for nobody else to read. A
 * file that is there is only looked at: closing a descriptor of it would give up the locks that
 * another handle of this process has on it (fcntl(2)), and other programs would take it for theirs.
 */
static int make_file(const char *path, enum db_mode mode, struct problem *problem) {
    struct stat st;
    if (lstat(path, &st) == 0)
        return S_ISREG(st.st_mode)
                   ? 0
                   : problem_set(problem, -E_CORRUPT, N_("%s is not a regular file"), path);
    _cleanup_(close_p) int fd = -1;
    if (errno == ENOENT && mode == DB_CREATE)
        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? problem_set(problem, -errno, N_("%s cannot be opened: %s"), path,
                                error_text(errno))
                  : 0;
}

/* ------------------------------------------------------------------ what the file says */

/* The number that a statement gives, which is not kept: it is asked once for each handle. */
static int ask(struct db *db, const char *sql, int64_t *ret) {
    sqlite3_stmt *row = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        *ret = db_i64(row, 0);
    else
        r = db_failed(db);
    (void)sqlite3_finalize(row);
    return r;
}

static int foreign(struct db *db) {
    return problem_set(db->problem, -E_CORRUPT, N_("%s is an SQLite database, but not %s"),
                       db->path, db->kind->what);
}

/* Format 0: an empty file, or one of somebody who does not number his formats. */
static int check_empty(struct db *db, enum db_mode mode) {
    int64_t tables = 0;
    int r = ask(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r < 0 || (tables == 0 && mode == DB_CREATE))
        return r;
    return tables > 0 ? foreign(db)
                      : problem_set(db->problem, mode == DB_READ ? -E_TEMPORARY : -E_CORRUPT,
                                    N_("%s has no tables"), db->path);
}

static int check_format(struct db *db, enum db_mode mode, int64_t *ret_format) {
    int64_t application = db->kind->application_id;
    int r = ask(db, "PRAGMA user_version", ret_format);
    if (r == 0 && *ret_format == 0)
        return check_empty(db, mode);
    if (r == 0 && application != 0)
        r = ask(db, "PRAGMA application_id", &application);
    if (r < 0)
        return r;
    if (*ret_format < 0 || application != db->kind->application_id)
        return foreign(db);
    if (*ret_format > (int64_t)db->kind->step_count)
        return problem_set(
            db->problem, -E_VERSION,
            N_("%s has format %lld, made by a newer release; this one reads formats up "
               "to %zu"),
            db->path, (long long)*ret_format, db->kind->step_count);
    return 0;
}

static int check_pages(struct db *db) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_row(db, &row, "PRAGMA quick_check(1)");
    if (r < 0)
        return r;
    struct slice found = r == 1 ? db_bytes(row, 0) : S("SQLite gives no details");
    return slice_eq(found, S("ok"))
               ? 0
               : problem_set(db->problem, -E_CORRUPT, N_("%s is damaged%s (%.*s)"), db->path,
                             db->kind->remedy, SLICE_ARG(found));
}

/* ------------------------------------------------------------------ the newest format */

static int take_steps(struct db *db, int64_t format) {
    char mark[96];
    int r = 0;
    for (size_t i = (size_t)format; r == 0 && i < db->kind->step_count; i++)
        r = db_exec(db, db->kind->steps[i]);
    (void)snprintf(mark, sizeof mark, "PRAGMA application_id=%" PRIu32 "; PRAGMA user_version=%zu",
                   db->kind->application_id, db->kind->step_count);
    if (r == 0)
        r = db_exec(db, mark);
    return r == 0 && format == 0 && db->kind->fill ? db->kind->fill(db) : r;
}

/* ------------------------------------------------------------------ the handle */

static int set_up(struct db *db, enum db_mode mode) {
    const struct db_kind *kind = db->kind;
    int64_t format = 0;
    if (kind->lookaside > 0)
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, kind->lookaside);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_busy_timeout(db->handle, kind->busy_ms);
    int r = db_exec(db, mode == DB_READ ? kind->read_pragmas : kind->pragmas);
    if (r == 0)
        r = check_format(db, mode, &format);
    if (r == 0 && kind->check_pages)
        r = check_pages(db);
    if (r == 0 && mode != DB_READ)
        r = db_exec(db, "PRAGMA journal_mode=WAL");
    if (r < 0 || mode == DB_READ || format == (int64_t)kind->step_count)
        return r;
    r = kind->teach ? kind->teach(db) : 0;
    if (r == 0)
        r = db_begin(db);
    return r < 0 ? r : db_end(db, take_steps(db, format));
}

int db_open(const char *path, enum db_mode mode, const struct db_kind *kind, struct db **ret,
            struct problem *problem) {
    int r = path ? make_file(path, mode, problem) : 0;
    if (r < 0)
        return r;
    struct slice name = slice_of_str(path ? path : "");
    _cleanup_(db_close_p) struct db *db = mem_zero(sizeof *db + name.len + 1);
    memcpy(db->path, name.ptr, name.len);
    db->kind = kind;
    db->problem = problem;
    int flags = mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(path ? path : ":memory:", &db->handle,
                        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK)
        return db_failed(db);
    r = set_up(db, mode);
    if (r < 0) { /* what cannot be used is left as it was, log and all */
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return r;
    }
    db->problem = NULL;
    *ret = TAKE_PTR(db);
    return 0;
}
