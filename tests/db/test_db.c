/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "db/db.h"

static const char *const STEPS[] = {
    "CREATE TABLE message (uid INTEGER PRIMARY KEY, subject TEXT, body BLOB);",
    "ALTER TABLE message ADD COLUMN flags INTEGER NOT NULL DEFAULT 7;",
};

static int fill(struct db *db) {
    return db_run(db, "INSERT INTO message (uid, subject) VALUES (?1, ?2)", V(1),
                  V_TEXT(S("first")));
}

static const struct db_kind KIND = {
    .what = "a box of messages",
    .remedy = "; restore it from a backup",
    .application_id = 0x54455354,
    .steps = STEPS,
    .step_count = ARRAY_SIZE(STEPS),
    .fill = fill,
    .pragmas = "PRAGMA synchronous=OFF",
    .check_pages = true,
};

/* What a release before the second step would have made. */
static struct db_kind older(void) {
    struct db_kind kind = KIND;
    kind.step_count = 1;
    return kind;
}

struct place {
    char folder[32], file[64];
    struct problem problem;
};

static void *enter(void) {
    struct place *p = NEW(struct place);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/test-db-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->file, sizeof p->file, "%s/box.db", p->folder);
    return p;
}

static void leave(struct place *p) {
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        char path[80];
        (void)snprintf(path, sizeof path, "%s%s", p->file, endings[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
}

static struct db *open_as(struct place *p, enum db_mode mode, const struct db_kind *kind) {
    struct db *db = NULL;
    int r = db_open(p->file, mode, kind, &db, &p->problem);
    if (r < 0)
        fail_msg("%d: %s", r, p->problem.text);
    assert_null(db->problem);
    db->problem = &p->problem;
    return db;
}

static struct db *open_here(struct place *p) {
    return open_as(p, DB_CREATE, &KIND);
}

static void refuses(struct place *p, enum db_mode mode, int code, const char *words) {
    struct db *db = NULL;
    assert_int_equal(db_open(p->file, mode, &KIND, &db, &p->problem), code);
    assert_null(db);
    if (!strstr(p->problem.text, words))
        fail_msg("\"%s\" does not say \"%s\"", p->problem.text, words);
}

/* What another program does to the file. */
static void other(const struct place *p, const char *script) {
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(p->file, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, script, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void overwrite(const struct place *p, off_t at, size_t len) {
    char *junk = mem_alloc(len);
    memset(junk, 'x', len);
    int fd = open(p->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, junk, len, at), (ssize_t)len);
    (void)close(fd);
    free(junk);
}

static int64_t count_messages(struct db *db) {
    int64_t count = -1;
    assert_int_equal(db_number(db, &count, "SELECT count(*) FROM message"), 1);
    return count;
}

static int add(struct db *db, uint64_t uid) {
    return db_run(db, "INSERT INTO message (uid) VALUES (?1)", V(uid));
}

#define TEST(name)                                                                                 \
    static void body_##name(struct place *p);                                                      \
    static void test_##name(void **state) {                                                        \
        struct place *p = enter();                                                                 \
        (void)state;                                                                               \
        body_##name(p);                                                                            \
        leave(p);                                                                                  \
    }                                                                                              \
    static void body_##name(struct place *p)

/* ------------------------------------------------------------------ opening */

TEST(a_new_file_is_for_nobody_else_to_read_and_has_its_first_rows) {
    struct stat st;
    (void)umask(0);
    struct db *db = open_here(p);
    assert_int_equal(count_messages(db), 1);
    db_close(db);
    assert_int_equal(stat(p->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

TEST(what_was_committed_is_there_after_reopening) {
    struct db *db = open_here(p);
    assert_int_equal(add(db, 2), 0);
    db_close(db);
    db = open_here(p);
    assert_int_equal(count_messages(db), 2);
    db_close(db);
}

TEST(an_older_format_is_brought_up_and_keeps_its_rows) {
    struct db_kind kind = older();
    struct db *db = open_as(p, DB_CREATE, &kind);
    assert_int_equal(add(db, 2), 0);
    db_close(db);
    int64_t flags = 0;
    db = open_as(p, DB_WRITE, &KIND);
    assert_int_equal(db_number(db, &flags, "SELECT flags FROM message WHERE uid = 2"), 1);
    assert_int_equal(flags, 7);
    assert_int_equal(count_messages(db), 2); /* the first rows were not written again */
    db_close(db);
}

TEST(a_step_that_fails_leaves_the_older_format) {
    struct db_kind kind = older();
    struct db *db = open_as(p, DB_CREATE, &kind);
    db_close(db);
    const char *const steps[] = {STEPS[0], "CREATE TABLE extra (a); CREATE TABLE message (a)"};
    kind = KIND;
    kind.steps = steps;
    db = NULL;
    assert_int_equal(db_open(p->file, DB_WRITE, &kind, &db, &p->problem), -E_CORRUPT);
    assert_null(db);
    assert_non_null(strstr(p->problem.text, "table message already exists"));
    db = open_here(p);
    int64_t found = 0;
    assert_int_equal(db_number(db, &found, "SELECT 1 FROM sqlite_schema WHERE name = 'extra'"), 0);
    db_close(db);
}

TEST(a_newer_format_is_refused) {
    db_close(open_here(p));
    other(p, "PRAGMA user_version=99");
    refuses(p, DB_CREATE, -E_VERSION,
            "box.db has format 99, made by a newer release; this one reads formats up to 2");
}

TEST(somebody_elses_database_is_not_touched) {
    struct stat before, after;
    other(p, "CREATE TABLE recipes (name TEXT)");
    assert_int_equal(stat(p->file, &before), 0);
    refuses(p, DB_CREATE, -E_CORRUPT, "is an SQLite database, but not a box of messages");
    other(p, "PRAGMA user_version=1");
    refuses(p, DB_WRITE, -E_CORRUPT, "but not a box of messages");
    assert_int_equal(stat(p->file, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    other(p, "INSERT INTO recipes VALUES ('soup')");
}

TEST(a_file_that_is_no_database_is_said_to_be_none) {
    overwrite(p, 0, 8192);
    refuses(p, DB_CREATE, -E_CORRUPT, "box.db is not an SQLite database; restore it from a backup");
}

TEST(damaged_pages_are_found_when_opening) {
    db_close(open_here(p));
    overwrite(p, 4096, 4096);
    refuses(p, DB_CREATE, -E_CORRUPT, "is damaged; restore it from a backup");
}

TEST(what_is_no_regular_file_is_refused) {
    assert_int_equal(symlink("/dev/null", p->file), 0);
    refuses(p, DB_CREATE, -E_CORRUPT, "box.db is not a regular file");
}

TEST(only_create_makes_a_file_or_its_tables) {
    struct stat st;
    refuses(p, DB_READ, -ENOENT, "box.db cannot be opened: No such file");
    refuses(p, DB_WRITE, -ENOENT, "box.db cannot be opened: No such file");
    assert_int_equal(stat(p->file, &st), -1);
    overwrite(p, 0, 0);
    refuses(p, DB_READ, -E_TEMPORARY, "box.db has no tables");
    refuses(p, DB_WRITE, -E_CORRUPT, "box.db has no tables");
    db_close(open_here(p));
}

TEST(a_reader_changes_nothing) {
    struct db *writer = open_here(p);
    struct db *reader = open_as(p, DB_READ, &KIND);
    assert_int_equal(add(writer, 2), 0);
    assert_int_equal(count_messages(reader), 2);
    assert_int_equal(add(reader, 3), -EROFS);
    db_close(reader);
    db_close(writer);
}

/* SQLite holds a shared lock on a file with a log while it is open (SHARED_FIRST in its os.h). */
static bool others_see_a_lock(const char *path) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_start = 0x40000002, .l_len = 510};
        int fd = open(path, O_RDWR | O_CLOEXEC);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

TEST(a_second_handle_leaves_the_first_its_locks) {
    struct db *writer = open_here(p);
    assert_int_equal(count_messages(writer), 1);
    assert_true(others_see_a_lock(p->file));
    db_close(open_as(p, DB_READ, &KIND));
    assert_true(others_see_a_lock(p->file));
    db_close(writer);
}

TEST(a_path_of_null_is_a_database_in_memory) {
    struct db *db = NULL;
    assert_int_equal(db_open(NULL, DB_CREATE, &KIND, &db, &p->problem), 0);
    assert_int_equal(count_messages(db), 1);
    db_close(db);
}

/* ------------------------------------------------------------------ values */

TEST(values_come_back_as_they_went_in) {
    static const char zeros[] = {'a', 0, 'b', 0};
    struct db *db = open_here(p);
    assert_int_equal(db_run(db, "INSERT INTO message VALUES (?1, ?2, ?3, ?4)", V(INT64_MIN),
                            V_TEXT(S("猫")), V_BYTES(slice_of(zeros, 4)), V(UINT64_MAX)),
                     0);
    sqlite3_stmt *row = NULL;
    assert_int_equal(db_row(db, &row, "SELECT * FROM message WHERE subject = ?1", V_TEXT(S("猫"))),
                     1);
    assert_true(db_i64(row, 0) == INT64_MIN);
    assert_slice(db_bytes(row, 1), "猫");
    assert_true(slice_eq(db_bytes(row, 2), slice_of(zeros, 4)));
    assert_true(db_u64(row, 3) == UINT64_MAX);
    struct arena a = {0};
    struct slice copy = db_copy(row, 1, &a);
    db_close(db);
    assert_slice(copy, "猫");
    arena_done(&a);
}

TEST(a_slice_without_bytes_is_empty_and_not_null) {
    struct db *db = open_here(p);
    sqlite3_stmt *row = NULL;
    struct slice none = {0};
    assert_int_equal(db_row(db, &row, "SELECT typeof(?1), typeof(?2), typeof(?3)", V_TEXT(none),
                            V_BYTES(none), V_NULL),
                     1);
    assert_slice(db_bytes(row, 0), "text");
    assert_slice(db_bytes(row, 1), "blob");
    assert_slice(db_bytes(row, 2), "null");
    db_close(db);
}

/* ------------------------------------------------------------------ statements */

TEST(a_statement_is_prepared_once_and_run_with_other_values) {
    struct db *db = open_here(p);
    size_t before = db->statement_count;
    for (uint64_t uid = 10; uid < 60; uid++)
        assert_int_equal(add(db, uid), 0);
    assert_int_equal(db->statement_count, before + 1);
    assert_int_equal(count_messages(db), 51);
    db_close(db);
}

TEST(a_handle_keeps_many_statements) {
    static char texts[100][16];
    struct db *db = open_here(p);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            int64_t got = -1;
            (void)snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
            assert_int_equal(db_number(db, &got, texts[i]), 1);
            assert_int_equal(got, i);
        }
    }
    db_close(db);
}

TEST(rows_are_stepped_through_and_the_end_is_said) {
    struct db *db = open_here(p);
    assert_int_equal(add(db, 2), 0);
    sqlite3_stmt *rows = NULL;
    assert_int_equal(
        db_query(db, &rows, "SELECT uid FROM message WHERE uid > ?1 ORDER BY uid", V(0)), 0);
    assert_int_equal(db_step(db, rows), 1);
    assert_int_equal(db_u64(rows, 0), 1);
    assert_int_equal(db_step(db, rows), 1);
    assert_int_equal(db_u64(rows, 0), 2);
    assert_int_equal(db_step(db, rows), 0);
    assert_int_equal(sqlite3_stmt_busy(rows), 0);
    db_close(db);
}

TEST(no_row_is_no_error) {
    struct db *db = open_here(p);
    int64_t number = 5;
    sqlite3_stmt *row = NULL;
    assert_int_equal(db_number(db, &number, "SELECT uid FROM message WHERE uid = 99"), 0);
    assert_int_equal(number, 5);
    assert_int_equal(db_row(db, &row, "SELECT uid FROM message WHERE uid = 98"), 0);
    assert_int_equal(p->problem.text[0], 0);
    db_close(db);
}

TEST(changes_counts_the_rows) {
    struct db *db = open_here(p);
    assert_int_equal(add(db, 2), 0);
    assert_int_equal(db_changes(db), 1);
    assert_int_equal(db_run(db, "UPDATE message SET flags = 1"), 0);
    assert_int_equal(db_changes(db), 2);
    assert_int_equal(db_run(db, "DELETE FROM message WHERE uid = 99"), 0);
    assert_int_equal(db_changes(db), 0);
    db_close(db);
}

TEST(run_goes_to_the_end_of_the_rows) {
    struct db *db = open_here(p);
    assert_int_equal(add(db, 2), 0);
    assert_int_equal(db_run(db, "DELETE FROM message RETURNING uid"), 0);
    assert_int_equal(count_messages(db), 0);
    db_close(db);
}

TEST(reset_all_lets_go_of_the_view) {
    struct db *db = open_here(p);
    struct db *reader = open_as(p, DB_READ, &KIND);
    sqlite3_stmt *row = NULL;
    assert_int_equal(db_row(reader, &row, "SELECT uid FROM message"), 1);
    assert_int_equal(add(db, 2), 0);
    assert_int_equal(count_messages(reader), 1);
    db_reset_all(reader);
    assert_int_equal(count_messages(reader), 2);
    db_close(reader);
    db_close(db);
}

/* ------------------------------------------------------------------ transactions */

TEST(a_transaction_that_went_well_is_kept) {
    struct db *db = open_here(p);
    assert_int_equal(db_begin(db), 0);
    assert_int_equal(add(db, 2), 0);
    assert_int_equal(db_end(db, 17), 17);
    assert_int_equal(count_messages(db), 2);
    db_close(db);
}

TEST(a_transaction_that_failed_is_undone_and_tells_the_cause) {
    struct db *db = open_here(p);
    assert_int_equal(db_begin(db), 0);
    assert_int_equal(add(db, 2), 0);
    assert_int_equal(db_end(db, problem_set(&p->problem, -E_REFUSED, "not today")), -E_REFUSED);
    assert_int_equal(count_messages(db), 1);
    assert_string_equal(p->problem.text, "not today");
    assert_ptr_equal(db->problem, &p->problem);
    assert_int_equal(db_begin(db), 0);
    assert_int_equal(db_end(db, 0), 0);
    db_close(db);
}

TEST(a_second_writer_is_told_to_wait) {
    struct db *db = open_here(p), *second = open_here(p);
    assert_int_equal(db_begin(db), 0);
    assert_int_equal(db_begin(second), -E_BUSY);
    assert_non_null(strstr(p->problem.text, "box.db is in use by another program"));
    assert_int_equal(db_end(db, 0), 0);
    assert_int_equal(db_begin(second), 0);
    assert_int_equal(db_end(second, 0), 0);
    db_close(second);
    db_close(db);
}

/* ------------------------------------------------------------------ errors */

TEST(a_row_that_breaks_a_rule_exists_already) {
    struct db *db = open_here(p);
    assert_int_equal(add(db, 1), -EEXIST);
    assert_non_null(strstr(p->problem.text, "box.db holds that already (SQLite: UNIQUE"));
    assert_int_equal(add(db, 2), 0);
    db_close(db);
}

TEST(a_table_that_is_not_there_is_damage) {
    struct db *db = open_here(p);
    assert_int_equal(add(db, 2), 0);
    other(p, "DROP TABLE message");
    assert_int_equal(add(db, 3), -E_CORRUPT);
    assert_non_null(strstr(p->problem.text, "is damaged; restore it from a backup (SQLite: no such "
                                            "table: message)"));
    db_close(db);
}

TEST(damage_met_at_work_is_told) {
    struct db_kind kind = KIND;
    kind.check_pages = false;
    db_close(open_here(p));
    overwrite(p, 4096, 4096);
    struct db *db = open_as(p, DB_WRITE, &kind);
    int64_t count = 0;
    assert_int_equal(db_number(db, &count, "SELECT count(*) FROM message"), -E_CORRUPT);
    db->problem = NULL; /* nobody asks: the code is the same */
    assert_int_equal(db_number(db, &count, "SELECT count(*) FROM message"), -E_CORRUPT);
    db_close(db);
}

TEST(a_file_that_may_not_grow_is_a_full_disk) {
    struct db *db = open_here(p);
    assert_int_equal(db_exec(db, "PRAGMA max_page_count=4"), 0);
    assert_int_equal(db_begin(db), 0);
    int r = db_run(db, "UPDATE message SET body = zeroblob(100000)");
    assert_int_equal(db_end(db, r), -ENOSPC);
    assert_non_null(strstr(p->problem.text, "box.db cannot grow: the disk is full"));
    assert_int_equal(count_messages(db), 1);
    db_close(db);
}

/* ------------------------------------------------------------------ a disk without room */

static int no_new_file(const char *path, int flags, ...) {
    (void)path;
    (void)flags;
    errno = ENOSPC;
    return -1;
}

static ssize_t no_room(int fd, const void *bytes, size_t size, off_t at) {
    (void)fd;
    (void)bytes;
    (void)size;
    (void)at;
    errno = ENOSPC;
    return -1;
}

/* Opens the database while one of SQLite's system calls finds no room: what is said of it. */
static void open_without_room(struct place *p, const char *call, sqlite3_syscall_ptr instead) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    struct db *db = NULL;
    assert_int_equal(vfs->xSetSystemCall(vfs, call, instead), SQLITE_OK);
    int r = db_open(p->file, DB_WRITE, &KIND, &db, &p->problem);
    assert_int_equal(vfs->xSetSystemCall(vfs, call, NULL), SQLITE_OK);
    assert_int_equal(r, -ENOSPC);
    assert_non_null(strstr(p->problem.text, "box.db cannot grow: the disk is full"));
}

TEST(a_disk_without_room_for_a_new_file_is_full) {
    db_close(open_here(p));
    open_without_room(p, "open", (sqlite3_syscall_ptr)no_new_file);
}

TEST(a_disk_without_room_for_the_index_of_the_log_is_full) {
    db_close(open_here(p));
    open_without_room(p, "pwrite64", (sqlite3_syscall_ptr)no_room);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_file_is_for_nobody_else_to_read_and_has_its_first_rows),
        cmocka_unit_test(test_what_was_committed_is_there_after_reopening),
        cmocka_unit_test(test_an_older_format_is_brought_up_and_keeps_its_rows),
        cmocka_unit_test(test_a_step_that_fails_leaves_the_older_format),
        cmocka_unit_test(test_a_newer_format_is_refused),
        cmocka_unit_test(test_somebody_elses_database_is_not_touched),
        cmocka_unit_test(test_a_file_that_is_no_database_is_said_to_be_none),
        cmocka_unit_test(test_damaged_pages_are_found_when_opening),
        cmocka_unit_test(test_what_is_no_regular_file_is_refused),
        cmocka_unit_test(test_only_create_makes_a_file_or_its_tables),
        cmocka_unit_test(test_a_reader_changes_nothing),
        cmocka_unit_test(test_a_second_handle_leaves_the_first_its_locks),
        cmocka_unit_test(test_a_path_of_null_is_a_database_in_memory),
        cmocka_unit_test(test_values_come_back_as_they_went_in),
        cmocka_unit_test(test_a_slice_without_bytes_is_empty_and_not_null),
        cmocka_unit_test(test_a_statement_is_prepared_once_and_run_with_other_values),
        cmocka_unit_test(test_a_handle_keeps_many_statements),
        cmocka_unit_test(test_rows_are_stepped_through_and_the_end_is_said),
        cmocka_unit_test(test_no_row_is_no_error),
        cmocka_unit_test(test_changes_counts_the_rows),
        cmocka_unit_test(test_run_goes_to_the_end_of_the_rows),
        cmocka_unit_test(test_reset_all_lets_go_of_the_view),
        cmocka_unit_test(test_a_transaction_that_went_well_is_kept),
        cmocka_unit_test(test_a_transaction_that_failed_is_undone_and_tells_the_cause),
        cmocka_unit_test(test_a_second_writer_is_told_to_wait),
        cmocka_unit_test(test_a_row_that_breaks_a_rule_exists_already),
        cmocka_unit_test(test_a_table_that_is_not_there_is_damage),
        cmocka_unit_test(test_damage_met_at_work_is_told),
        cmocka_unit_test(test_a_file_that_may_not_grow_is_a_full_disk),
        cmocka_unit_test(test_a_disk_without_room_for_a_new_file_is_full),
        cmocka_unit_test(test_a_disk_without_room_for_the_index_of_the_log_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
