/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

#include "fiber/wait.h"

static int open_here(const struct place *p, bool read_only, struct problem *problem) {
    struct directory_options options = {.read_only = read_only, .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    int r = directory_open(p->file, &options, &d, problem);
    directory_close(d);
    return r;
}

static void overwrite(const struct place *p, off_t at, const char *bytes, size_t len) {
    int fd = open(p->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
    (void)close(fd);
}

REAL_FIBER_TEST(a_new_file_is_for_nobody_else_to_read) {
    struct place p;
    struct stat st;
    place_make(&p);
    (void)umask(0);
    GOOD(open_here(&p, false, &problem));
    assert_int_equal(stat(p.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    place_done(&p);
}

REAL_FIBER_TEST(what_was_added_is_there_after_reopening) {
    struct place p;
    place_make(&p);
    struct directory *d = place_open(&p);
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test");
    directory_close(d);
    d = place_open(&p);
    struct arena a = {0};
    struct route route = resolve(d, "tama@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailboxes[0].account_id, id);
    arena_done(&a);
    directory_close(d);
    place_done(&p);
}

REAL_FIBER_TEST(a_file_that_is_no_database_is_said_to_be_none) {
    struct place p;
    char junk[8192];
    place_make(&p);
    memset(junk, 'x', sizeof junk);
    overwrite(&p, 0, junk, sizeof junk);
    BAD(open_here(&p, false, &problem), -E_CORRUPT,
        "directory.db is not an SQLite database; restore it from a backup");
    place_done(&p);
}

REAL_FIBER_TEST(damage_in_the_middle_is_found_when_opening) {
    struct place p;
    char junk[4096];
    place_make(&p);
    GOOD(open_here(&p, false, &problem));
    memset(junk, 0x55, sizeof junk);
    overwrite(&p, 4096, junk, sizeof junk);
    BAD(open_here(&p, false, &problem), -E_CORRUPT, "is damaged; restore it from a backup");
    place_done(&p);
}

REAL_FIBER_TEST(somebody_elses_database_is_not_touched) {
    struct place p;
    place_make(&p);
    sql(&p, "CREATE TABLE recipes (name TEXT)");
    BAD(open_here(&p, false, &problem), -E_CORRUPT, "but not a directory of Hayauma");
    place_done(&p);
}

REAL_FIBER_TEST(a_newer_format_is_refused) {
    struct place p;
    place_make(&p);
    GOOD(open_here(&p, false, &problem));
    sql(&p, "PRAGMA user_version=99");
    BAD(open_here(&p, false, &problem), -E_VERSION, "has format 99, made by a newer release");
    place_done(&p);
}

/* The first format kept U-labels as they were typed. */
REAL_FIBER_TEST(names_of_the_first_format_become_canonical) {
    struct place p;
    struct arena a = {0};
    struct domain *domains = NULL;
    size_t count = 0;
    place_make(&p);
    GOOD(open_here(&p, false, &problem));
    sql(&p,
        "INSERT INTO domain VALUES ('例え.jp', 1, '', 'tama@例え.jp', 1),"
        " ('例え.example', 2, '例え.jp', '', 1), ('テスト.jp', 1, '', '', 1),"
        " ('xn--zckzah.jp', 1, '', '', 1);" FORMAT_7
        "INSERT INTO account VALUES (1, 'tama@例え.jp', '例え.jp', 'Tama@例え.jp', '', '', NULL,"
        " 1, 0, 0, 0, 1, 0);"
        "INSERT INTO alias_target VALUES ('info@例え.jp', 0, '例え.jp', 'tama@例え.jp');"
        "PRAGMA user_version=1");
    struct directory *d = place_open(&p);
    GOOD(directory_domain_list(d, S(""), 1000, &a, &domains, &count, &problem));
    assert_int_equal(count, 4);
    assert_slice(domains[0].name, "xn--r8jz45g.example");
    assert_slice(domains[0].target, "xn--r8jz45g.jp");
    assert_slice(domains[1].name, "xn--r8jz45g.jp");
    assert_slice(domains[1].catch_all, "tama@xn--r8jz45g.jp");
    assert_slice(domains[3].name, "テスト.jp"); /* both forms were there: nothing is lost */
    assert_kind(d, "info@xn--r8jz45g.jp", ROUTE_LOCAL);
    assert_kind(d, "TAMA@例え。JP", ROUTE_LOCAL);
    assert_kind(d, "whoever@例え.example", ROUTE_LOCAL);
    arena_done(&a);
    directory_close(d);
    place_done(&p);
}

REAL_FIBER_TEST(a_missing_folder_is_named) {
    struct place p;
    place_make(&p);
    place_done(&p);
    BAD(open_here(&p, false, &problem), -ENOENT, "/directory.db cannot be opened: No such file");
}

REAL_FIBER_TEST(read_only_neither_makes_nor_changes) {
    struct place p;
    struct directory_options options = {.read_only = true};
    struct directory *d = NULL;
    place_make(&p);
    BAD(open_here(&p, true, &problem), -ENOENT, "cannot be opened");
    GOOD(open_here(&p, false, &problem));
    GOOD(directory_open(p.file, &options, &d, &problem));
    BAD(directory_domain_add(d, &ORDER, S("example.test"), S(""), &problem), -EROFS,
        "open for reading only");
    assert_kind(d, "tama@example.test", ROUTE_NOT_OURS);
    directory_close(d);
    place_done(&p);
}

REAL_FIBER_TEST(a_change_by_another_process_counts_within_the_interval) {
    struct place p;
    struct directory_options options = {.check_interval = 20 * USEC_MS};
    struct directory *d = NULL;
    place_make(&p);
    GOOD(directory_open(p.file, &options, &d, &problem));
    add_domain(d, "example.test");
    assert_kind(d, "tama@example.test", ROUTE_UNKNOWN_USER);
    struct directory *other = place_open(&p);
    (void)add_account(other, "tama@example.test");
    directory_close(other);
    assert_int_equal(fiber_sleep(30 * USEC_MS), 0);
    assert_kind(d, "tama@example.test", ROUTE_LOCAL);
    directory_close(d);
    place_done(&p);
}

REAL_FIBER_TEST(what_cannot_be_read_later_is_a_temporary_failure) {
    struct place p;
    struct arena a = {0};
    struct login login;
    struct login_request request = {.name = S("tama@example.test"), .password = PASSWORD};
    bool may = false;
    place_make(&p);
    struct directory *d = place_open(&p);
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    sql(&p, "DROP TABLE account");
    struct route route = resolve(d, "tama@example.test", &a);
    assert_int_equal(route.kind, ROUTE_TEMPORARY);
    assert_int_equal(route.mailbox_count, 0);
    assert_true(says(&route, "the directory cannot be read: stored data is damaged"));
    assert_int_equal(directory_may_send_as(d, 1, S("tama@example.test"), &may), -E_TEMPORARY);
    assert_int_equal(directory_login(d, &request, &a, &login, NULL), 0);
    assert_int_equal(login.outcome, LOGIN_TEMPORARY);
    BAD(directory_account_set_quota(d, &ORDER, S("tama@example.test"), 1, &problem), -E_CORRUPT,
        "no such table");
    arena_done(&a);
    directory_close(d);
    place_done(&p);
}

static uint64_t next_after(const struct place *p, uint64_t last, const char *address) {
    struct directory_options options = {.cost = PASSWORD_COST_MIN, .last_account = last};
    struct directory *d = NULL;
    GOOD(directory_open(p->file, &options, &d, &problem));
    uint64_t id = add_account(d, address);
    directory_close(d);
    return id;
}

/* Of a file that is older than the mailboxes beside it. */
REAL_FIBER_TEST(no_number_is_given_that_a_mailbox_has) {
    struct place p;
    place_make(&p);
    struct directory *d = place_open(&p);
    add_domain(d, "example.test");
    assert_int_equal(add_account(d, "a@example.test"), 1);
    directory_close(d);
    assert_int_equal(next_after(&p, 1, "b@example.test"), 2);
    assert_int_equal(next_after(&p, 7, "c@example.test"), 8);
    assert_int_equal(next_after(&p, 5, "d@example.test"), 9);
    assert_int_equal(next_after(&p, 0, "e@example.test"), 10);
    place_done(&p);
}

struct asking {
    struct directory *directory;
    struct route route;
    struct arena arena;
    int result;
};

static void ask(void *arg) WAITS {
    struct asking *s = arg;
    s->result = directory_resolve(s->directory, S("tama@example.test"), &s->arena, &s->route);
}

/* A command may be at work when the server is stopped. */
REAL_FIBER_TEST(closing_waits_for_what_the_file_is_asked_just_then) {
    struct place p;
    struct fiber *fibers[8];
    struct asking asking[8] = {{0}};
    place_make(&p);
    struct directory *d = place_open(&p);
    add_domain(d, "example.test");
    add_account(d, "tama@example.test");
    directory_close(d);
    d = place_open(&p);
    for (size_t i = 0; i < ARRAY_SIZE(asking); i++) {
        asking[i].directory = d;
        assert_int_equal(fiber_start("asking", ask, &asking[i], &fibers[i]), 0);
    }
    (void)fiber_yield();
    directory_close(d);
    for (size_t i = 0; i < ARRAY_SIZE(asking); i++) {
        fiber_join(fibers[i]);
        assert_true(asking[i].result == 0 || asking[i].result == -ECANCELED);
        arena_done(&asking[i].arena);
    }
    place_done(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_file_is_for_nobody_else_to_read),
        cmocka_unit_test(test_what_was_added_is_there_after_reopening),
        cmocka_unit_test(test_a_file_that_is_no_database_is_said_to_be_none),
        cmocka_unit_test(test_damage_in_the_middle_is_found_when_opening),
        cmocka_unit_test(test_somebody_elses_database_is_not_touched),
        cmocka_unit_test(test_a_newer_format_is_refused),
        cmocka_unit_test(test_names_of_the_first_format_become_canonical),
        cmocka_unit_test(test_a_missing_folder_is_named),
        cmocka_unit_test(test_read_only_neither_makes_nor_changes),
        cmocka_unit_test(test_a_change_by_another_process_counts_within_the_interval),
        cmocka_unit_test(test_what_cannot_be_read_later_is_a_temporary_failure),
        cmocka_unit_test(test_no_number_is_given_that_a_mailbox_has),
        cmocka_unit_test(test_closing_waits_for_what_the_file_is_asked_just_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
