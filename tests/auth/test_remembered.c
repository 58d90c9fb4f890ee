/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "auth/password.h"
#include "auth/remembered.h"

#define HASH S("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA")

static void test_only_the_password_that_was_verified_is_remembered(void **state) {
    _cleanup_(remembered_free_p) struct remembered *m = remembered_new(8);
    assert_false(remembered_has(m, 1, HASH, S("right"), 0));
    remembered_add(m, 1, HASH, S("right"), 0);
    assert_true(remembered_has(m, 1, HASH, S("right"), 1));
    assert_false(remembered_has(m, 1, HASH, S("wrong"), 1));
    assert_false(remembered_has(m, 2, HASH, S("right"), 1));
}

static void test_a_new_stored_hash_ends_it(void **state) {
    _cleanup_(remembered_free_p) struct remembered *m = remembered_new(8);
    remembered_add(m, 1, HASH, S("right"), 0);
    assert_false(remembered_has(m, 1, S("$argon2id$other"), S("right"), 1));
}

static void test_bytes_do_not_slip_between_hash_and_password(void **state) {
    _cleanup_(remembered_free_p) struct remembered *m = remembered_new(8);
    remembered_add(m, 1, S("ab"), S("c"), 0);
    assert_false(remembered_has(m, 1, S("a"), S("bc"), 1));
}

static void test_it_ends_after_five_minutes_however_often_it_is_used(void **state) {
    _cleanup_(remembered_free_p) struct remembered *m = remembered_new(8);
    remembered_add(m, 1, HASH, S("right"), 0);
    for (usec_t now = 0; now < REMEMBERED_TTL; now += USEC_SEC) {
        assert_true(remembered_has(m, 1, HASH, S("right"), now));
        remembered_add(m, 1, HASH, S("right"), now);
    }
    assert_false(remembered_has(m, 1, HASH, S("right"), REMEMBERED_TTL));
    assert_int_equal(remembered_count(m), 0);
}

static void test_dropping_an_account_leaves_the_others(void **state) {
    _cleanup_(remembered_free_p) struct remembered *m = remembered_new(8);
    remembered_add(m, 1, HASH, S("right"), 0);
    remembered_add(m, 2, HASH, S("right"), 0);
    remembered_drop(m, 1);
    assert_false(remembered_has(m, 1, HASH, S("right"), 1));
    assert_true(remembered_has(m, 2, HASH, S("right"), 1));
}

static void test_the_table_is_bounded_and_the_oldest_gives_way(void **state) {
    _cleanup_(remembered_free_p) struct remembered *m = remembered_new(2);
    for (uint64_t id = 1; id <= 3; id++)
        remembered_add(m, id, HASH, S("right"), (usec_t)id);
    assert_int_equal(remembered_count(m), 2);
    assert_false(remembered_has(m, 1, HASH, S("right"), 4));
    assert_true(remembered_has(m, 2, HASH, S("right"), 4));
    assert_true(remembered_has(m, 3, HASH, S("right"), 4));
}

static int setup(void **state) {
    return password_setup();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_password_that_was_verified_is_remembered),
        cmocka_unit_test(test_a_new_stored_hash_ends_it),
        cmocka_unit_test(test_bytes_do_not_slip_between_hash_and_password),
        cmocka_unit_test(test_it_ends_after_five_minutes_however_often_it_is_used),
        cmocka_unit_test(test_dropping_an_account_leaves_the_others),
        cmocka_unit_test(test_the_table_is_bounded_and_the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
