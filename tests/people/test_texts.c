/* SPDX-License-Identifier: ISC */
/* Each outcome has its words: they stand in logs and tables. */
#include "unit.h"

#include "people/login.h"
#include "people/route.h"

static void test_each_kind_of_route_has_words(void **state) {
    (void)state;
    assert_string_equal(route_kind_text(ROUTE_LOCAL), "local");
    assert_string_equal(route_kind_text(ROUTE_UNKNOWN_USER), "unknown user");
    for (int kind = ROUTE_LOCAL; kind <= ROUTE_TEMPORARY; kind++)
        assert_non_null(route_kind_text((enum route_kind)kind));
}

static void test_each_outcome_of_a_login_has_words(void **state) {
    (void)state;
    assert_string_equal(login_outcome_text(LOGIN_WELCOME), "welcome");
    for (int outcome = LOGIN_WELCOME; outcome <= LOGIN_CHALLENGE; outcome++)
        assert_non_null(login_outcome_text((enum login_outcome)outcome));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_route_has_words),
        cmocka_unit_test(test_each_outcome_of_a_login_has_words),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
