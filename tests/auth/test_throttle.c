/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "auth/throttle.h"

#define V4       S("\xc0\x00\x02\x01")
#define OTHER_V4 S("\xc0\x00\x02\x02")
#define V6       S("\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\0\0\0\0\x01")
#define SAME_64  S("\x20\x01\x0d\xb8\0\0\0\x01\xff\0\0\0\0\0\0\x02")
#define OTHER_64 S("\x20\x01\x0d\xb8\0\0\0\x02\0\0\0\0\0\0\0\x01")
#define NAME     S("tama@example.test")
#define PATIENCE (60 * USEC_SEC)
#define ANY      S("") /* something else each time */

static void test_delays_double_from_2_to_30_seconds(void **state) {
    static const usec_t want[] = {2, 4, 8, 16, 30, 30, 30};
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    usec_t now = 1000 * USEC_SEC;
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        assert_int_equal(throttle_enter(t, V4, NAME, now, PATIENCE), 0);
        assert_int_equal(throttle_failed(t, V4, NAME, ANY, now), want[i] * USEC_SEC);
        now += want[i] * USEC_SEC;
    }
}

static usec_t fail_with(struct throttle *t, struct slice network, const char *password) {
    return throttle_failed(t, network, NAME, slice_of_str(password), 0);
}

/* Thunderbird tries the old one by CRAM-MD5, PLAIN and LOGIN, and then again. */
static void test_the_same_wrong_password_again_is_no_new_guess(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    for (int i = 0; i < 10; i++)
        assert_int_equal(fail_with(t, V4, "old"), 2 * USEC_SEC);
    assert_true(throttle_enter(t, V4, NAME, 0, PATIENCE) >=
                2 * USEC_SEC); /* it waits all the same */
    assert_int_equal(fail_with(t, V4, "of another program"), 4 * USEC_SEC);
    assert_int_equal(fail_with(t, V4, "old"), 4 * USEC_SEC);
    assert_int_equal(fail_with(t, V4, "of another program"), 4 * USEC_SEC);
    assert_int_equal(fail_with(t, OTHER_V4, "old"), 2 * USEC_SEC);
}

static void test_each_guess_is_counted_whatever_is_repeated_between(void **state) {
    static const char *const guesses[] = {"1", "2", "1", "2", "3", "3", "4", "1", "1", "5", "6"};
    static const usec_t want[] = {2, 4, 4, 4, 8, 8, 16, 30, 30, 30, 30};
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    for (size_t i = 0; i < ARRAY_SIZE(guesses); i++)
        assert_int_equal(fail_with(t, V4, guesses[i]), want[i] * USEC_SEC);
}

/* What has no password in it (APOP) is another answer each time. */
static void test_what_cannot_be_compared_is_always_counted(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    assert_int_equal(fail_with(t, V4, ""), 2 * USEC_SEC);
    assert_int_equal(fail_with(t, V4, ""), 4 * USEC_SEC);
}

/* After quiet hours nothing is counted any more: then it costs a wait again. */
static void test_a_password_of_long_ago_is_counted_as_the_first(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    assert_int_equal(fail_with(t, V4, "old"), 2 * USEC_SEC);
    assert_int_equal(throttle_failed(t, V4, NAME, S("old"), USEC_HOUR), 2 * USEC_SEC);
}

static void test_delays_of_the_settings_double_up_to_their_own_limit(void **state) {
    static const usec_t want[] = {300, 600, 1000, 1000};
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    throttle_set_delays(t, 300 * USEC_MS, USEC_SEC);
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        assert_int_equal(throttle_failed(t, V4, NAME, ANY, 0), want[i] * USEC_MS);
    throttle_set_delays(t, 0, 30 * USEC_SEC);
    assert_int_equal(throttle_failed(t, V4, NAME, ANY, 0), 0);
    throttle_set_delays(t, 1, USEC_HOUR);
    for (size_t i = 0; i < 100; i++)
        assert_true(throttle_failed(t, V4, S("x"), ANY, 0) > 0);
    assert_int_equal(throttle_failed(t, V4, S("x"), ANY, 0), USEC_HOUR);
}

static void test_who_hangs_up_and_comes_back_waits(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, ANY, 0);
    assert_int_equal(throttle_enter(t, V4, NAME, USEC_SEC / 2, PATIENCE), 3 * USEC_SEC / 2);
}

static void test_parallel_attempts_queue_up_until_patience_ends(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, ANY, 0);
    (void)throttle_failed(t, V4, NAME, ANY, 0); /* now 4 s */
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 4 * USEC_SEC);
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 8 * USEC_SEC);
    assert_int_equal(throttle_enter(t, V4, NAME, 0, 10 * USEC_SEC), 12 * USEC_SEC);
    /* that one was turned away and took no place */
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 12 * USEC_SEC);
}

static void test_others_are_not_slowed_down(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, ANY, 0);
    assert_int_equal(throttle_enter(t, OTHER_V4, NAME, 0, PATIENCE), 0);
    assert_int_equal(throttle_enter(t, V4, S("kobo@example.test"), 0, PATIENCE), 0);
    assert_true(throttle_enter(t, V4, S("TAMA@example.test"), 0, PATIENCE) > 0);
}

static void test_an_ipv6_network_is_a_slash_64(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V6, NAME, ANY, 0);
    assert_true(throttle_enter(t, SAME_64, NAME, 0, PATIENCE) > 0);
    assert_int_equal(throttle_enter(t, OTHER_64, NAME, 0, PATIENCE), 0);
}

static void test_success_clears(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, ANY, 0);
    throttle_succeeded(t, V4, NAME);
    assert_int_equal(throttle_count(t), 0);
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 0);
}

static void test_ten_quiet_minutes_take_off_one_failure(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    for (int i = 0; i < 3; i++)
        (void)throttle_failed(t, V4, NAME, ANY, 0);
    assert_int_equal(throttle_failed(t, V4, NAME, ANY, THROTTLE_DECAY), 8 * USEC_SEC);
    assert_int_equal(throttle_enter(t, V4, NAME, 4 * THROTTLE_DECAY, PATIENCE), 0);
    assert_int_equal(throttle_count(t), 0);
}

static void test_the_table_is_bounded_and_the_longest_untouched_gives_way(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(2);
    (void)throttle_failed(t, V4, S("a"), ANY, 0);
    (void)throttle_failed(t, V4, S("b"), ANY, 0);
    (void)throttle_failed(t, V4, S("a"), ANY, 1);
    (void)throttle_failed(t, V4, S("c"), ANY, 2);
    assert_int_equal(throttle_count(t), 2);
    assert_int_equal(throttle_enter(t, V4, S("b"), 3, PATIENCE), 0);
    assert_true(throttle_enter(t, V4, S("a"), 3, PATIENCE) > 0);
    assert_true(throttle_enter(t, V4, S("c"), 3, PATIENCE) > 0);
}

static void test_a_name_of_any_length_is_kept_in_the_same_space(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(2);
    char name[5000];
    memset(name, 'x', sizeof name);
    (void)throttle_failed(t, V4, slice_of(name, sizeof name), ANY, 0);
    assert_true(throttle_enter(t, V4, slice_of(name, sizeof name), 0, PATIENCE) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays_double_from_2_to_30_seconds),
        cmocka_unit_test(test_the_same_wrong_password_again_is_no_new_guess),
        cmocka_unit_test(test_each_guess_is_counted_whatever_is_repeated_between),
        cmocka_unit_test(test_what_cannot_be_compared_is_always_counted),
        cmocka_unit_test(test_a_password_of_long_ago_is_counted_as_the_first),
        cmocka_unit_test(test_delays_of_the_settings_double_up_to_their_own_limit),
        cmocka_unit_test(test_who_hangs_up_and_comes_back_waits),
        cmocka_unit_test(test_parallel_attempts_queue_up_until_patience_ends),
        cmocka_unit_test(test_others_are_not_slowed_down),
        cmocka_unit_test(test_an_ipv6_network_is_a_slash_64),
        cmocka_unit_test(test_success_clears),
        cmocka_unit_test(test_ten_quiet_minutes_take_off_one_failure),
        cmocka_unit_test(test_the_table_is_bounded_and_the_longest_untouched_gives_way),
        cmocka_unit_test(test_a_name_of_any_length_is_kept_in_the_same_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
