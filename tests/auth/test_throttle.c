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

static void test_delays_double_from_2_to_30_seconds(void **state) {
    static const usec_t want[] = {2, 4, 8, 16, 30, 30, 30};
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    usec_t now = 1000 * USEC_SEC;
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        assert_int_equal(throttle_enter(t, V4, NAME, now, PATIENCE), 0);
        assert_int_equal(throttle_failed(t, V4, NAME, now), want[i] * USEC_SEC);
        now += want[i] * USEC_SEC;
    }
}

static void test_delays_of_the_settings_double_up_to_their_own_limit(void **state) {
    static const usec_t want[] = {300, 600, 1000, 1000};
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    throttle_set_delays(t, 300 * USEC_MS, USEC_SEC);
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        assert_int_equal(throttle_failed(t, V4, NAME, 0), want[i] * USEC_MS);
    throttle_set_delays(t, 0, 30 * USEC_SEC);
    assert_int_equal(throttle_failed(t, V4, NAME, 0), 0);
    throttle_set_delays(t, 1, USEC_HOUR);
    for (size_t i = 0; i < 100; i++)
        assert_true(throttle_failed(t, V4, S("x"), 0) > 0);
    assert_int_equal(throttle_failed(t, V4, S("x"), 0), USEC_HOUR);
}

static void test_who_hangs_up_and_comes_back_waits(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, 0);
    assert_int_equal(throttle_enter(t, V4, NAME, USEC_SEC / 2, PATIENCE), 3 * USEC_SEC / 2);
}

static void test_parallel_attempts_queue_up_until_patience_ends(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, 0);
    (void)throttle_failed(t, V4, NAME, 0); /* now 4 s */
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 4 * USEC_SEC);
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 8 * USEC_SEC);
    assert_int_equal(throttle_enter(t, V4, NAME, 0, 10 * USEC_SEC), 12 * USEC_SEC);
    /* that one was turned away and took no place */
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 12 * USEC_SEC);
}

static void test_others_are_not_slowed_down(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, 0);
    assert_int_equal(throttle_enter(t, OTHER_V4, NAME, 0, PATIENCE), 0);
    assert_int_equal(throttle_enter(t, V4, S("kobo@example.test"), 0, PATIENCE), 0);
    assert_true(throttle_enter(t, V4, S("TAMA@example.test"), 0, PATIENCE) > 0);
}

static void test_an_ipv6_network_is_a_slash_64(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V6, NAME, 0);
    assert_true(throttle_enter(t, SAME_64, NAME, 0, PATIENCE) > 0);
    assert_int_equal(throttle_enter(t, OTHER_64, NAME, 0, PATIENCE), 0);
}

static void test_success_clears(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    (void)throttle_failed(t, V4, NAME, 0);
    throttle_succeeded(t, V4, NAME);
    assert_int_equal(throttle_count(t), 0);
    assert_int_equal(throttle_enter(t, V4, NAME, 0, PATIENCE), 0);
}

static void test_ten_quiet_minutes_take_off_one_failure(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(16);
    for (int i = 0; i < 3; i++)
        (void)throttle_failed(t, V4, NAME, 0);
    assert_int_equal(throttle_failed(t, V4, NAME, THROTTLE_DECAY), 8 * USEC_SEC);
    assert_int_equal(throttle_enter(t, V4, NAME, 4 * THROTTLE_DECAY, PATIENCE), 0);
    assert_int_equal(throttle_count(t), 0);
}

static void test_the_table_is_bounded_and_the_longest_untouched_gives_way(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(2);
    (void)throttle_failed(t, V4, S("a"), 0);
    (void)throttle_failed(t, V4, S("b"), 0);
    (void)throttle_failed(t, V4, S("a"), 1);
    (void)throttle_failed(t, V4, S("c"), 2);
    assert_int_equal(throttle_count(t), 2);
    assert_int_equal(throttle_enter(t, V4, S("b"), 3, PATIENCE), 0);
    assert_true(throttle_enter(t, V4, S("a"), 3, PATIENCE) > 0);
    assert_true(throttle_enter(t, V4, S("c"), 3, PATIENCE) > 0);
}

static void test_a_name_of_any_length_is_kept_in_the_same_space(void **state) {
    _cleanup_(throttle_free_p) struct throttle *t = throttle_new(2);
    char name[5000];
    memset(name, 'x', sizeof name);
    (void)throttle_failed(t, V4, slice_of(name, sizeof name), 0);
    assert_true(throttle_enter(t, V4, slice_of(name, sizeof name), 0, PATIENCE) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays_double_from_2_to_30_seconds),
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
