/* SPDX-License-Identifier: ISC */
/*
 * The database of reports, killed at each of its writes and syncs, and with the power gone at each
 * of its steps: what was told to be kept is there once, and what was taken is not taken again.
 *
 * SQLite writes through a VFS of the test, which does as the one below it, counts, and copies a
 * file to a folder beside at each sync. What is there is what the least of disks has after a power
 * cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/seen.h"
#include "unit.h"

#define DAY     20606 /* 2026-06-02 */
#define NOW     ((usec_t)DAY * USEC_DAY)
#define REPORTS 4U
#define FILES   8U
#define KILLED  77
#define PATH    160U

static char top[48], work[64], disk[64];
static unsigned left; /* writes and syncs until the kill; 0: none */

/* ------------------------------------------------------------------ the disk */

/* A log has other methods than the database. */
static struct opened {
    sqlite3_file *file;
    const sqlite3_io_methods *below;
    sqlite3_io_methods methods;
    char name[PATH];
} opened[FILES];
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int (*real_delete)(sqlite3_vfs *, const char *, int);

static struct opened *find(const sqlite3_file *file) {
    for (size_t i = 0; i < FILES; i++)
        if (opened[i].file == file)
            return &opened[i];
    fail_msg("more than %u files", FILES);
    return NULL;
}

static void copy(const char *from, const char *to) {
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)n), n);
    (void)close(in);
    (void)close(out);
}

static void step(void) {
    if (left > 0 && --left == 0)
        _exit(KILLED);
}

static int on_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at) {
    step();
    return find(file)->below->xWrite(file, bytes, count, at);
}

static void name_on_disk(char to[static PATH], const char *name) {
    (void)snprintf(to, PATH, "%s%s", disk, strrchr(name, '/'));
}

static int on_sync(sqlite3_file *file, int flags) {
    char to[PATH];
    const struct opened *o = find(file);
    step();
    name_on_disk(to, o->name);
    copy(o->name, to);
    return o->below->xSync(file, flags);
}

static int on_close(sqlite3_file *file) {
    struct opened *o = find(file);
    o->file = NULL;
    return o->below->xClose(file);
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *ret_flags) {
    int r = real_open(vfs, name, file, flags, ret_flags);
    if (r != SQLITE_OK || !name)
        return r;
    struct opened *o = find(NULL);
    o->file = file;
    o->below = file->pMethods;
    o->methods = *o->below;
    o->methods.xWrite = on_write;
    o->methods.xSync = on_sync;
    o->methods.xClose = on_close;
    file->pMethods = &o->methods;
    (void)snprintf(o->name, sizeof o->name, "%s", name);
    return r;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    char to[PATH];
    step();
    name_on_disk(to, name);
    (void)unlink(to);
    return real_delete(vfs, name, sync);
}

static int take_over(void **state UNUSED) {
    static sqlite3_vfs own;
    own = *sqlite3_vfs_find(NULL);
    real_open = own.xOpen;
    own.xOpen = on_open;
    real_delete = own.xDelete;
    own.xDelete = on_delete;
    own.zName = "noted";
    return sqlite3_vfs_register(&own, 1);
}

/* ------------------------------------------------------------------ what is played */

static void do_shell(const char *command, const char *from, const char *to) {
    char line[2 * PATH];
    (void)snprintf(line, sizeof line, "%s %s %s", command, from, to);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): names of our own */
}

static void begin(void) {
    (void)snprintf(top, sizeof top, "/tmp/hayauma-kept-XXXXXX");
    assert_non_null(mkdtemp(top));
    (void)snprintf(work, sizeof work, "%s/work", top);
    (void)snprintf(disk, sizeof disk, "%s/disk", top);
    assert_true(mkdir(work, 0700) == 0 && mkdir(disk, 0700) == 0);
}

static void end(void) {
    do_shell("rm -rf", top, "");
}

static void cut_power(void) {
    do_shell("rm -rf", work, "");
    do_shell("cp -r", disk, work);
}

static struct kept *open_work(void) {
    struct problem problem = {0};
    struct kept *k = NULL;
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/reports.db", work);
    if (kept_open(path, &k, &problem) < 0)
        fail_msg("%s", problem.text);
    return k;
}

static int add(struct kept *k, unsigned number) {
    static const char *const ids[REPORTS] = {"one", "two", "three", "four"};
    struct tally_row row = {.source = S("192.0.2.1"), .messages = 5};
    struct kept_report report = {.received = NOW + USEC_HOUR,
                                 .organization = S("Lighthouse"),
                                 .id = slice_of_str(ids[number]),
                                 .domain = S("example.jp"),
                                 .policy = S("reject"),
                                 .begin = NOW / USEC_SEC - 86400,
                                 .end = NOW / USEC_SEC,
                                 .messages = 5};
    return kept_add_report(k, &report, &row, 1);
}

static int see(struct kept *k) {
    struct seen_message message = {.domain = S("example.jp"),
                                   .p = S("reject"),
                                   .rua = S("mailto:a@example.jp"),
                                   .source = S("192.0.2.1"),
                                   .header_from = S("example.jp")};
    return seen_add(k, DAY, &message, 1);
}

static int take(struct kept *k) {
    struct aggregate_report report;
    struct slice rua;
    struct arena a = {0};
    int r = seen_take(k, DAY + 1, &a, &report, &rua);
    arena_done(&a);
    return r;
}

/* What has been acknowledged; in memory that parent and child share. */
struct told {
    unsigned added;
    bool seen, taken;
};

static void live(struct told *told) {
    struct kept *k = open_work();
    for (unsigned i = 0; i < REPORTS; i++) {
        assert_int_equal(add(k, i), 0);
        told->added++;
    }
    assert_int_equal(see(k), 0);
    kept_close(k); /* it is on the disk */
    k = open_work();
    told->seen = true;
    assert_int_equal(take(k), 1);
    told->taken = true;
}

/* True: it was killed at that call, false: it had come to its end before. */
static bool dies(struct told *told, unsigned at) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        left = at;
        live(told);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != KILLED)
        assert_int_equal(WEXITSTATUS(status), 0);
    return WEXITSTATUS(status) == KILLED;
}

static bool is_there_after(struct told *told, unsigned at, bool power) {
    *told = (struct told){0};
    begin();
    bool killed = dies(told, at);
    if (power)
        cut_power();
    struct kept *k = open_work();
    for (unsigned i = 0; i < REPORTS; i++) {
        int r = add(k, i);
        bool has_to_be = power ? told->seen : i < told->added;
        if (r != -EEXIST && (r != 0 || has_to_be))
            fail_msg("killed at call %u: report %u: %d", at, i, r);
        assert_int_equal(add(k, i), -EEXIST);
    }
    int r = take(k);
    if (r < 0 || (r == 1 && told->taken))
        fail_msg("killed at call %u: what was taken is taken again: %d", at, r);
    assert_int_equal(take(k), 0);
    kept_close(k);
    end();
    return killed;
}

static void try_each_call(bool power) {
    struct told *told =
        mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned at = 1;
    assert_true(told != MAP_FAILED);
    while (is_there_after(told, at, power))
        at++;
    assert_true(at > 10 && told->taken);
    (void)munmap(told, sizeof *told);
}

static void test_a_kill_loses_and_doubles_no_report(void **state UNUSED) {
    try_each_call(false);
}

/* What the last seconds have brought may be gone; what was taken may have been sent. */
static void test_a_power_cut_damages_nothing_and_nothing_is_taken_again(void **state UNUSED) {
    try_each_call(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kill_loses_and_doubles_no_report),
        cmocka_unit_test(test_a_power_cut_damages_nothing_and_nothing_is_taken_again),
    };
    return cmocka_run_group_tests(tests, take_over, NULL);
}
