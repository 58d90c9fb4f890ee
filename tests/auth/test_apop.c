/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "auth/apop.h"

#define STAMP S("<1896.697170952@dbc.mtview.ca.us>")

static void test_rfc1939_s7_the_example_of_the_rfc(void **state) {
    char digest[APOP_DIGEST_LEN + 1];
    assert_int_equal(apop_digest(STAMP, S("tanstaaf"), digest), 0);
    assert_string_equal(digest, "c4c9334bac560ecc979e58001b3e22fb");
    assert_int_equal(apop_verify(STAMP, S("tanstaaf"), S("c4c9334bac560ecc979e58001b3e22fb")), 0);
}

static void test_digits_may_be_in_upper_case(void **state) {
    assert_int_equal(apop_verify(STAMP, S("tanstaaf"), S("C4C9334BAC560ECC979E58001B3E22FB")), 0);
}

static void test_another_secret_stamp_or_length_is_refused(void **state) {
    struct slice digest = S("c4c9334bac560ecc979e58001b3e22fb");
    assert_int_equal(apop_verify(STAMP, S("tanstaa"), digest), -E_REFUSED);
    assert_int_equal(apop_verify(S("<1@x>"), S("tanstaaf"), digest), -E_REFUSED);
    assert_int_equal(apop_verify(STAMP, S("tanstaaf"), slice_first(digest, 31)), -E_REFUSED);
    assert_int_equal(apop_verify(STAMP, S("tanstaaf"), S("")), -E_REFUSED);
    assert_int_equal(apop_verify(STAMP, S("tanstaaf"), S("g4c9334bac560ecc979e58001b3e22fb")),
                     -E_REFUSED);
}

static void test_rfc1939_s7_the_stamp_has_the_form_of_a_msg_id(void **state) {
    struct arena a = {0};
    assert_slice(apop_stamp(&a, 0xabc, 1234, S("mail.example.org")),
                 "<0000000000000abc.1234@mail.example.org>");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc1939_s7_the_example_of_the_rfc),
        cmocka_unit_test(test_digits_may_be_in_upper_case),
        cmocka_unit_test(test_another_secret_stamp_or_length_is_refused),
        cmocka_unit_test(test_rfc1939_s7_the_stamp_has_the_form_of_a_msg_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
