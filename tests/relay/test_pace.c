/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "relay/pace.h"

#define KEY S("example.net:25")

static const struct pace_options defaults = PACE_DEFAULTS;

static int enter(struct pace *p, struct slice key, usec_t now) {
    usec_t when = 0;
    return pace_enter(p, key, now, &when);
}

/* Opens as many connections as the pace allows. */
static unsigned fill(struct pace *p, struct slice key) {
    unsigned count = 0;
    while (enter(p, key, 0) == 0)
        count++;
    return count;
}

static void a_new_destination_gets_5_connections(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    assert_int_equal(fill(p, KEY), 5);
    assert_int_equal(enter(p, KEY, 0), -E_BUSY);
    pace_leave(p, KEY);
    assert_int_equal(enter(p, KEY, 0), 0);
    assert_int_equal(pace_state(p, KEY).open, 5);
}

static void window_grows_by_one_for_each_window_of_messages_up_to_20(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    assert_int_equal(enter(p, KEY, 0), 0);
    for (int i = 0; i < 4; i++)
        pace_succeeded(p, KEY);
    assert_int_equal(pace_state(p, KEY).window, 5);
    pace_succeeded(p, KEY);
    pace_succeeded(p, KEY);
    assert_int_equal(pace_state(p, KEY).window, 6);
    for (int i = 0; i < 1000; i++)
        pace_succeeded(p, KEY);
    assert_int_equal(pace_state(p, KEY).window, 20);
    assert_int_equal(fill(p, KEY), 19);
}

static void window_halves_on_421_but_never_below_one(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    assert_int_equal(fill(p, KEY), 5);
    pace_busy(p, KEY);
    assert_int_equal(pace_state(p, KEY).window, 2);
    for (int i = 0; i < 10; i++)
        pace_busy(p, KEY);
    assert_int_equal(pace_state(p, KEY).window, 1);
    for (int i = 0; i < 4; i++) {
        pace_leave(p, KEY);
        assert_int_equal(enter(p, KEY, 0), -E_BUSY);
    }
    pace_leave(p, KEY);
    assert_int_equal(enter(p, KEY, 0), 0);
}

static void a_dead_destination_rests_twice_as_long_each_time(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    static const int minutes[] = {1, 2, 4, 8, 16, 30, 30};
    usec_t now = 0;
    for (size_t i = 0; i < ARRAY_SIZE(minutes); i++) {
        usec_t when = 0;
        assert_int_equal(enter(p, KEY, now), 0);
        pace_unreachable(p, KEY, now);
        pace_leave(p, KEY);
        assert_int_equal(pace_enter(p, KEY, now + minutes[i] * USEC_MIN - 1, &when), -E_TEMPORARY);
        assert_int_equal(when, now + minutes[i] * USEC_MIN);
        now = when;
    }
}

static void failures_at_the_same_time_count_once(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    assert_int_equal(fill(p, KEY), 5);
    for (int i = 0; i < 5; i++)
        pace_unreachable(p, KEY, USEC_SEC * i);
    assert_int_equal(pace_state(p, KEY).failures, 1);
    assert_int_equal(pace_state(p, KEY).window, 2);
    assert_int_equal(pace_state(p, KEY).rests_until, USEC_MIN);
}

static void success_ends_the_rest_and_forgets_the_failures(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    assert_int_equal(fill(p, KEY), 5);
    pace_unreachable(p, KEY, 0);
    assert_int_equal(enter(p, KEY, 1), -E_TEMPORARY);
    pace_succeeded(p, KEY);
    assert_int_equal(pace_state(p, KEY).failures, 0);
    assert_int_equal(enter(p, KEY, 1), -E_BUSY);
}

static void postmaster_can_wake_a_destination(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    pace_wake(p, KEY);
    assert_int_equal(enter(p, KEY, 0), 0);
    pace_unreachable(p, KEY, 0);
    pace_wake(p, KEY);
    assert_int_equal(enter(p, KEY, 1), 0);
}

static void destinations_do_not_disturb_each_other(void **state) {
    _cleanup_(pace_free_p) struct pace *p = pace_new(&defaults);
    assert_int_equal(enter(p, KEY, 0), 0);
    pace_unreachable(p, KEY, 0);
    assert_int_equal(fill(p, S("example.com:25")), 5);
}

static void the_table_is_bounded_and_forgets_the_longest_unused(void **state) {
    struct pace_options few = PACE_DEFAULTS;
    few.destinations = 3;
    _cleanup_(pace_free_p) struct pace *p = pace_new(&few);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(enter(p, slice_of_str(names[i]), 0), 0);
        pace_busy(p, slice_of_str(names[i]));
    }
    assert_int_equal(enter(p, S("d"), 0), -E_LIMIT);
    pace_leave(p, S("b"));
    pace_leave(p, S("a"));
    assert_int_equal(enter(p, S("d"), 0), 0);
    assert_int_equal(pace_state(p, S("b")).window, 0);
    assert_int_equal(pace_state(p, S("a")).window, 2);
    assert_int_equal(pace_state(p, S("c")).window, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_destination_gets_5_connections),
        cmocka_unit_test(window_grows_by_one_for_each_window_of_messages_up_to_20),
        cmocka_unit_test(window_halves_on_421_but_never_below_one),
        cmocka_unit_test(a_dead_destination_rests_twice_as_long_each_time),
        cmocka_unit_test(failures_at_the_same_time_count_once),
        cmocka_unit_test(success_ends_the_rest_and_forgets_the_failures),
        cmocka_unit_test(postmaster_can_wake_a_destination),
        cmocka_unit_test(destinations_do_not_disturb_each_other),
        cmocka_unit_test(the_table_is_bounded_and_forgets_the_longest_unused),
    };
    return cmocka_run_group_tests_name("relay pace", tests, NULL, NULL);
}
