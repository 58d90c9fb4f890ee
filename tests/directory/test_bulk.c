/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

#include <time.h>

static int add_many(struct directory *d, const char *template, uint64_t first, uint64_t count,
                    struct problem *problem) {
    struct account_new like = {.address = slice_of_str(template), .password = PASSWORD};
    uint64_t added = 0;
    int r = directory_account_add_many(d, &ORDER, &like, first, count, &added, problem);
    assert_int_equal(added, r == 0 ? count : 0);
    return r;
}

static bool can_enter(struct directory *d, const char *name) {
    struct arena a = {0};
    struct login login;
    struct login_request request = {.name = slice_of_str(name), .password = PASSWORD};
    assert_int_equal(directory_login(d, &request, &a, &login, NULL), 0);
    arena_done(&a);
    return login.outcome == LOGIN_WELCOME;
}

DIRECTORY_TEST(c7_numbered_accounts_can_enter) {
    add_domain(d, "example.test");
    GOOD(add_many(d, "user%03d@example.test", 0, 20, &problem));
    assert_true(can_enter(d, "user000"));
    assert_true(can_enter(d, "user019"));
    assert_false(can_enter(d, "user020"));
    assert_false(can_enter(d, "user0"));
    GOOD(add_many(d, "user%03d@example.test", 20, 1, &problem));
    assert_true(can_enter(d, "user020"));
    directory_close(d);
}

DIRECTORY_TEST(c7_nothing_is_added_when_one_name_is_taken) {
    add_domain(d, "example.test");
    (void)add_account(d, "user1500@example.test");
    BAD(add_many(d, "user%d@example.test", 0, 2000, &problem), -EEXIST,
        "user1500@example.test exists already: account 1");
    assert_kind(d, "user0@example.test", ROUTE_UNKNOWN_USER);
    directory_close(d);
}

DIRECTORY_TEST(c7_what_cannot_be_added_is_said_in_a_sentence) {
    add_domain(d, "example.test");
    BAD(add_many(d, "user@example.test", 0, 10, &problem), -E_SYNTAX, "has no %d");
    BAD(add_many(d, "user%d@example.org", 0, 10, &problem), -E_UNKNOWN,
        "example.org is not a domain of this host");
    BAD(add_many(d, "user@h%d.example.test", 0, 10, &problem), -E_SYNTAX, "in front of the @");
    BAD(add_many(d, "user%d@example.test", 0, 0, &problem), -E_SYNTAX, "from 1 to 1000000");
    struct account_new weak = {.address = S("user%d@example.test"), .password = S("password")};
    uint64_t added = 0;
    BAD(directory_account_add_many(d, &ORDER, &weak, 0, 10, &added, &problem), -E_REFUSED,
        "easy to guess");
    directory_close(d);
}

DIRECTORY_TEST(c7_ten_thousand_accounts_within_a_minute) {
    struct arena a = {0};
    struct account *accounts = NULL;
    size_t count = 0;
    struct timespec start;
    struct timespec end;
    add_domain(d, "example.test");
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    GOOD(add_many(d, "user%d@example.test", 0, 10000, &problem));
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    print_message("10,000 accounts in %.2f s\n", (double)(end.tv_sec - start.tv_sec) +
                                                     (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    assert_true(end.tv_sec - start.tv_sec < 60);
    GOOD(directory_account_list(d, S("example.test"), 0, 20000, &a, &accounts, &count, &problem));
    assert_int_equal(count, 10000);
    assert_kind(d, "user0@example.test", ROUTE_LOCAL);
    assert_kind(d, "user9999@example.test", ROUTE_LOCAL);
    assert_kind(d, "user10000@example.test", ROUTE_UNKNOWN_USER);
    assert_true(can_enter(d, "user1234"));
    arena_done(&a);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c7_numbered_accounts_can_enter),
        cmocka_unit_test(test_c7_nothing_is_added_when_one_name_is_taken),
        cmocka_unit_test(test_c7_what_cannot_be_added_is_said_in_a_sentence),
        cmocka_unit_test(test_c7_ten_thousand_accounts_within_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
