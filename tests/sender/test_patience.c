/* SPDX-License-Identifier: ISC */
#include "sender/patience.h"

#include <stdio.h>

#include "unit.h"

static void test_messages_are_put_off_for_four_hours(void **state UNUSED) {
    struct patience *p = patience_new();
    assert_false(patience_is_over(p, S("a.test"), 1000));
    assert_false(patience_is_over(p, S("A.test"), 1000 + PATIENCE - 1));
    assert_false(patience_is_over(p, S("b.test"), 1000 + PATIENCE));
    assert_true(patience_is_over(p, S("a.TEST"), 1000 + PATIENCE));
    assert_true(patience_is_over(p, S("a.test"), 1000 + 3 * PATIENCE - 1));
    patience_free(p);
}

/* What fails next month is not what failed today. */
static void test_an_error_of_long_ago_is_another_one(void **state UNUSED) {
    struct patience *p = patience_new();
    assert_false(patience_is_over(p, S("a.test"), 0));
    assert_false(patience_is_over(p, S("a.test"), PATIENCE_FORGOTTEN));
    assert_false(patience_is_over(p, S("a.test"), PATIENCE_FORGOTTEN + PATIENCE - 1));
    assert_true(patience_is_over(p, S("a.test"), PATIENCE_FORGOTTEN + PATIENCE));
    patience_free(p);
}

/* A stranger can name as many domains as he likes; those that come again stay. */
static void test_names_made_up_drive_out_each_other_only(void **state UNUSED) {
    struct patience *p = patience_new();
    char name[32];
    assert_false(patience_is_over(p, S("honest.test"), 0));
    assert_false(patience_is_over(p, S("honest.test"), PATIENCE_KNOWN));
    for (unsigned i = 0; i < 2 * PATIENCE_DOMAINS; i++) {
        (void)snprintf(name, sizeof name, "x%u.evil.test", i);
        assert_false(patience_is_over(p, slice_of_str(name), PATIENCE_KNOWN + i));
    }
    assert_false(patience_is_over(p, S("x0.evil.test"), PATIENCE));
    assert_true(patience_is_over(p, S("honest.test"), PATIENCE));
    patience_free(p);
}

static void test_no_name_and_long_ones(void **state UNUSED) {
    struct patience *p = patience_new();
    static char name[1000];
    memset(name, 'a', sizeof name);
    assert_false(patience_is_over(p, S(""), 0));
    assert_false(patience_is_over(p, S(""), PATIENCE));
    assert_false(patience_is_over(p, slice_of(name, sizeof name), 0));
    assert_true(patience_is_over(p, slice_of(name, sizeof name), PATIENCE));
    patience_free(p);
    patience_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_put_off_for_four_hours),
        cmocka_unit_test(test_an_error_of_long_ago_is_another_one),
        cmocka_unit_test(test_names_made_up_drive_out_each_other_only),
        cmocka_unit_test(test_no_name_and_long_ones),
    };
    return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
