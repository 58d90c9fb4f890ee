/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>

#include "auth/sasl.h"
#include "base/encode.h"

static struct arena arena;

static int clean(void **state) {
    arena_done(&arena);
    return 0;
}

static struct slice encoded(struct slice bytes) {
    struct buf b = {0};
    base64_encode(&b, bytes);
    struct slice text = arena_copy(&arena, buf_slice(&b));
    buf_done(&b);
    return text;
}

/* PLAIN with that message as initial response. */
static int plain(struct slice message, struct sasl_out *out) {
    struct sasl s;
    assert_int_equal(sasl_start(&s, S("PLAIN")), 0);
    return sasl_first(&s, &arena, encoded(message), out);
}

static void test_rfc4616_s4_the_examples_of_the_rfc(void **state) {
    struct sasl_out out;
    assert_int_equal(plain(S("\0tim\0tanstaaftanstaaf"), &out), 0);
    assert_true(out.done);
    assert_slice(out.credentials.act_as, "");
    assert_slice(out.credentials.name, "tim");
    assert_slice(out.credentials.password, "tanstaaftanstaaf");
    assert_int_equal(plain(S("Ursel\0Kurt\0xipj3plmq"), &out), 0);
    assert_slice(out.credentials.act_as, "Ursel");
    assert_slice(out.credentials.name, "Kurt");
    assert_slice(out.credentials.password, "xipj3plmq");
}

static void test_rfc4616_s2_malformed_messages(void **state) {
    static const struct slice bad[] = {
        {"", 0},
        {"tim", 3},
        {"\0tim", 4},
        {"\0\0secret", 8},
        {"\0tim\0", 5},
        {"\0tim\0a\0b", 8},
        {"\0ti\nm\0abc", 9},
        {"\0t\xffm\0abc", 8},
        {"\0tim\0a\tc", 8},
    };
    struct sasl_out out;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(plain(bad[i], &out), -E_SYNTAX);
}

static void test_rfc4616_s2_255_octets_are_taken_and_there_is_an_end(void **state) {
    char message[1200];
    struct sasl_out out;
    memset(message, 'x', sizeof message);
    message[255] = message[511] = '\0';
    assert_int_equal(plain(slice_of(message, 767), &out), 0);
    assert_int_equal(out.credentials.password.len, 255);
    message[255] = 'x';
    assert_int_equal(plain(slice_of(message, 767), &out), -E_SYNTAX);
    message[0] = message[2] = '\0';
    message[511] = 'x';
    assert_int_equal(plain(slice_of(message, 3 + SASL_PASSWORD_MAX), &out), 0);
    assert_int_equal(plain(slice_of(message, 4 + SASL_PASSWORD_MAX), &out), -E_LIMIT);
    message[2] = 'x';
    message[2 + SASL_NAME_MAX] = '\0';
    assert_int_equal(plain(slice_of(message, 600), &out), -E_LIMIT);
}

static void test_plain_without_initial_response_asks_with_an_empty_challenge(void **state) {
    struct sasl s;
    struct sasl_out out;
    assert_int_equal(sasl_start(&s, S("plain")), 0);
    assert_string_equal(sasl_name(&s), "PLAIN");
    assert_int_equal(sasl_first(&s, &arena, (struct slice){0}, &out), 0);
    assert_false(out.done);
    assert_int_equal(out.challenge.len, 0);
    assert_int_equal(sasl_next(&s, &arena, S("AHRhbWEAc2VjcmV0"), &out), 0);
    assert_true(out.done);
    assert_slice(out.credentials.name, "tama");
    assert_slice(out.credentials.password, "secret");
}

static void test_login_asks_for_the_name_then_the_password(void **state) {
    struct sasl s;
    struct sasl_out out;
    assert_int_equal(sasl_start(&s, S("LOGIN")), 0);
    assert_int_equal(sasl_first(&s, &arena, (struct slice){0}, &out), 0);
    assert_slice(out.challenge, "Username:");
    assert_int_equal(sasl_next(&s, &arena, encoded(S("tama@example.test")), &out), 0);
    assert_false(out.done);
    assert_slice(out.challenge, "Password:");
    assert_int_equal(sasl_next(&s, &arena, encoded(S("secret")), &out), 0);
    assert_true(out.done);
    assert_slice(out.credentials.name, "tama@example.test");
    assert_slice(out.credentials.password, "secret");
}

static void test_login_takes_the_name_as_initial_response(void **state) {
    struct sasl s;
    struct sasl_out out;
    assert_int_equal(sasl_start(&s, S("login")), 0);
    assert_int_equal(sasl_first(&s, &arena, encoded(S("tama")), &out), 0);
    assert_slice(out.challenge, "Password:");
}

static void test_rfc4954_s4_equals_sign_is_an_empty_initial_response(void **state) {
    struct sasl s;
    struct sasl_out out;
    assert_int_equal(sasl_start(&s, S("PLAIN")), 0);
    assert_int_equal(sasl_first(&s, &arena, S("="), &out), -E_SYNTAX); /* empty is no message */
    assert_int_equal(sasl_first(&s, &arena, S(""), &out), -E_SYNTAX);
    assert_int_equal(sasl_start(&s, S("LOGIN")), 0);
    assert_int_equal(sasl_first(&s, &arena, S("="), &out), -E_SYNTAX);
    assert_int_equal(sasl_next(&s, &arena, S("="), &out), -E_SYNTAX); /* only there */
}

static void test_rfc4954_s4_a_star_cancels(void **state) {
    struct sasl s;
    struct sasl_out out;
    assert_int_equal(sasl_start(&s, S("LOGIN")), 0);
    assert_int_equal(sasl_first(&s, &arena, (struct slice){0}, &out), 0);
    assert_int_equal(sasl_next(&s, &arena, S("*"), &out), -ECANCELED);
}

static void test_rfc4954_s4_base64_is_strict(void **state) {
    static const char *const bad[] = {
        "AHRhbWEAc2VjcmV",    "AHRhbWEAc2VjcmV0 ", "AHRhbWEA c2VjcmV0",
        "AHRhbWEAc2VjcmV0==", "AHRhbWE\tc2VjcmV0", "**"};
    struct sasl s;
    struct sasl_out out;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(sasl_start(&s, S("PLAIN")), 0);
        assert_int_equal(sasl_next(&s, &arena, slice_of_str(bad[i]), &out), -E_SYNTAX);
    }
}

static void test_a_line_over_12288_bytes_is_not_decoded(void **state) {
    static char line[SASL_LINE_MAX + 4];
    struct sasl s;
    struct sasl_out out;
    memset(line, 'A', sizeof line);
    assert_int_equal(sasl_start(&s, S("PLAIN")), 0);
    assert_int_equal(sasl_next(&s, &arena, slice_of(line, sizeof line), &out), -E_LIMIT);
}

static void test_unknown_mechanisms_are_unknown(void **state) {
    struct sasl s;
    assert_int_equal(sasl_start(&s, S("CRAM-MD5")), -E_UNKNOWN);
    assert_int_equal(sasl_start(&s, S("")), -E_UNKNOWN);
    assert_string_equal(sasl_offer(0), "PLAIN");
    assert_string_equal(sasl_offer(1), "LOGIN");
    assert_null(sasl_offer(2));
}

static void test_wiping_leaves_no_password(void **state) {
    struct sasl_out out;
    assert_int_equal(plain(S("\0tim\0secret"), &out), 0);
    const char *was = out.credentials.password.ptr;
    sasl_wipe(&out.credentials);
    assert_memory_equal(was, "\0\0\0\0\0\0", 6);
    assert_int_equal(out.credentials.password.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_rfc4616_s4_the_examples_of_the_rfc, clean),
        cmocka_unit_test_teardown(test_rfc4616_s2_malformed_messages, clean),
        cmocka_unit_test_teardown(test_rfc4616_s2_255_octets_are_taken_and_there_is_an_end, clean),
        cmocka_unit_test_teardown(test_plain_without_initial_response_asks_with_an_empty_challenge,
                                  clean),
        cmocka_unit_test_teardown(test_login_asks_for_the_name_then_the_password, clean),
        cmocka_unit_test_teardown(test_login_takes_the_name_as_initial_response, clean),
        cmocka_unit_test_teardown(test_rfc4954_s4_equals_sign_is_an_empty_initial_response, clean),
        cmocka_unit_test_teardown(test_rfc4954_s4_a_star_cancels, clean),
        cmocka_unit_test_teardown(test_rfc4954_s4_base64_is_strict, clean),
        cmocka_unit_test_teardown(test_a_line_over_12288_bytes_is_not_decoded, clean),
        cmocka_unit_test_teardown(test_unknown_mechanisms_are_unknown, clean),
        cmocka_unit_test_teardown(test_wiping_leaves_no_password, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
