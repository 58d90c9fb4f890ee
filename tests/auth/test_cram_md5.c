/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "auth/cram_md5.h"

static void rfc2195_2_the_example_of_the_rfc(void **state) {
    struct arena a = {0};
    struct slice answer;
    assert_int_equal(cram_md5_answer(&a, S("<1896.697170952@postoffice.reston.mci.net>"), S("tim"),
                                     S("tanstaaftanstaaf"), &answer),
                     0);
    assert_slice(answer, "tim b913a602c7eda7a495b4e6e7334d3890");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rfc2195_2_the_example_of_the_rfc)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
