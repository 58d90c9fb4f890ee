/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/tokens.h"

#define NOW (1000 * USEC_SEC)

static void test_so_many_at_once_then_one_in_each_interval(void **state) {
    _cleanup_(tokens_free_p) struct tokens *t = tokens_new(64, 3, USEC_SEC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tokens_take(t, S("a"), NOW, 0), 0);
    assert_int_equal(tokens_take(t, S("a"), NOW, 0), USEC_SEC);
    assert_int_equal(tokens_take(t, S("a"), NOW, 0), USEC_SEC); /* none was taken */
    assert_int_equal(tokens_take(t, S("a"), NOW + USEC_SEC, 0), 0);
    assert_int_equal(tokens_take(t, S("a"), NOW + USEC_SEC, 0), USEC_SEC);
}

static void test_no_more_are_saved_up_than_there_were(void **state) {
    _cleanup_(tokens_free_p) struct tokens *t = tokens_new(64, 3, USEC_SEC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tokens_take(t, S("a"), NOW + USEC_HOUR, 0), 0);
    assert_true(tokens_take(t, S("a"), NOW + USEC_HOUR, 0) > 0);
}

static void test_what_was_given_back_is_there_again(void **state) {
    _cleanup_(tokens_free_p) struct tokens *t = tokens_new(64, 1, USEC_SEC);
    assert_int_equal(tokens_take(t, S("a"), NOW, 0), 0);
    tokens_give_back(t, S("a"));
    assert_int_equal(tokens_take(t, S("a"), NOW, 0), 0);
    assert_true(tokens_take(t, S("a"), NOW, 0) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_many_at_once_then_one_in_each_interval),
        cmocka_unit_test(test_no_more_are_saved_up_than_there_were),
        cmocka_unit_test(test_what_was_given_back_is_there_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
