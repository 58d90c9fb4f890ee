/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/random.h"
#include "queue/schedule.h"

#define ARRIVAL TEST_WALL
#define CHANCES 10000

static const struct queue_schedule *schedule(void) {
    return &queue_options_default.schedule;
}

/* Bounds of the wait behind an attempt over many chances, in minutes, rounded inwards. */
static void expect_wait(uint32_t attempts, usec_t age, int64_t least, int64_t most) {
    usec_t now = ARRIVAL + age, end = schedule_end(schedule(), ARRIVAL, false);
    usec_t shortest = USEC_NEVER, longest = 0;
    for (int i = 0; i < CHANCES; i++) {
        usec_t wait = schedule_next(schedule(), attempts, ARRIVAL, end, now, random_u64()) - now;
        shortest = MIN(shortest, wait);
        longest = MAX(longest, wait);
    }
    assert_in_range(shortest, least * USEC_SEC, least * USEC_SEC * 101 / 100);
    assert_in_range(longest, most * USEC_SEC * 99 / 100, most * USEC_SEC);
}

/* the default: 5, 10, 20, 40, 80 min with 20 % jitter, then 2 h on day one, 4 h after. */
static void test_waits_grow_as_the_design_says(void **state) {
    (void)state;
    expect_wait(1, 0, 240, 360);
    expect_wait(2, 5 * USEC_MIN, 480, 720);
    expect_wait(3, 15 * USEC_MIN, 960, 1440);
    expect_wait(4, 35 * USEC_MIN, 1920, 2880);
    expect_wait(5, 75 * USEC_MIN, 3840, 5760);
    expect_wait(6, 155 * USEC_MIN, 5760, 8640);
    expect_wait(14, 23 * USEC_HOUR, 5760, 8640);
    expect_wait(15, 24 * USEC_HOUR, 11520, 17280);
    expect_wait(40, 100 * USEC_HOUR, 11520, 17280);
}

static void test_without_jitter_waits_are_exact(void **state) {
    (void)state;
    struct queue_schedule s = *schedule();
    s.jitter = 0;
    for (uint64_t chance = 0; chance < 50; chance++)
        assert_int_equal(schedule_next(&s, 3, ARRIVAL, ARRIVAL + USEC_DAY, ARRIVAL, chance),
                         ARRIVAL + 20 * USEC_MIN);
}

/* Row A5: five days, and one attempt at their very end. */
static void test_last_attempt_is_at_the_end(void **state) {
    (void)state;
    usec_t end = schedule_end(schedule(), ARRIVAL, false);
    assert_int_equal(end, ARRIVAL + 5 * USEC_DAY);
    assert_int_equal(schedule_next(schedule(), 30, ARRIVAL, end, end - USEC_MIN, random_u64()),
                     end);
    assert_true(schedule_next(schedule(), 30, ARRIVAL, end, end, random_u64()) > end);
}

static void test_messages_without_sender_live_two_days(void **state) {
    (void)state;
    assert_int_equal(schedule_end(schedule(), ARRIVAL, true), ARRIVAL + 2 * USEC_DAY);
    struct queue_schedule s = *schedule();
    s.lifetime = USEC_DAY;
    assert_int_equal(schedule_end(&s, ARRIVAL, true), ARRIVAL + USEC_DAY);
}

static void test_full_mailboxes_are_tried_for_a_day(void **state) {
    (void)state;
    assert_int_equal(schedule_end_full(schedule(), ARRIVAL, false), ARRIVAL + USEC_DAY);
}

/* the default: notices of delay after 4 h and 24 h. */
static void test_notices_are_due_after_4_and_24_hours(void **state) {
    (void)state;
    const struct queue_schedule *s = schedule();
    assert_int_equal(schedule_notices_due(s, ARRIVAL, ARRIVAL + 4 * USEC_HOUR - 1), 0);
    assert_int_equal(schedule_notices_due(s, ARRIVAL, ARRIVAL + 4 * USEC_HOUR), 1);
    assert_int_equal(schedule_notices_due(s, ARRIVAL, ARRIVAL + 23 * USEC_HOUR), 1);
    assert_int_equal(schedule_notices_due(s, ARRIVAL, ARRIVAL + 24 * USEC_HOUR), 2);
    assert_int_equal(schedule_next_notice(s, ARRIVAL, 0), ARRIVAL + 4 * USEC_HOUR);
    assert_int_equal(schedule_next_notice(s, ARRIVAL, 1), ARRIVAL + 24 * USEC_HOUR);
    assert_int_equal(schedule_next_notice(s, ARRIVAL, 2), USEC_NEVER);
}

static void test_clock_that_went_back_makes_messages_young(void **state) {
    (void)state;
    usec_t now = ARRIVAL - USEC_DAY, end = schedule_end(schedule(), ARRIVAL, false);
    usec_t next = schedule_next(schedule(), 9, ARRIVAL, end, now, random_u64());
    assert_in_range(next - now, 96 * USEC_MIN, 144 * USEC_MIN);
    assert_int_equal(schedule_notices_due(schedule(), ARRIVAL, now), 0);
}

static void test_a_clock_is_believed_when_it_has_gone_on_for_an_hour(void **state) {
    const usec_t began = 5 * USEC_MIN, wall = ARRIVAL;
    struct schedule_clock c = {.ahead = wall - began, .since = began};
    (void)state;
    assert_int_equal(schedule_look(&c, began + USEC_MIN, wall + USEC_MIN), SCHEDULE_EVEN);
    assert_int_equal(schedule_doubt(&c, wall, began, wall), 0);
    assert_int_equal(schedule_doubt(&c, wall - USEC_HOUR, began, wall), 0);
    assert_int_equal(schedule_doubt(&c, wall - USEC_DAY, began, wall), USEC_HOUR);
    assert_int_equal(schedule_doubt(&c, wall - USEC_DAY, began + USEC_HOUR, wall), 0);
    usec_t now = began + USEC_DAY, later = wall + 3 * USEC_DAY;
    assert_int_equal(schedule_doubt(&c, wall, now, later), USEC_HOUR); /* before it is looked at */
    assert_int_equal(schedule_look(&c, now, later), SCHEDULE_AHEAD);
    assert_int_equal(schedule_look(&c, now, later), SCHEDULE_EVEN);
    assert_int_equal(schedule_doubt(&c, wall, now + USEC_MIN, later), 59 * USEC_MIN);
    assert_int_equal(schedule_look(&c, now, wall), SCHEDULE_BACK);
    assert_int_equal(schedule_look(&c, now, wall + USEC_HOUR), SCHEDULE_EVEN);
}

static void test_what_no_right_clock_has_planned_is_void(void **state) {
    struct queue_schedule s = *schedule();
    (void)state;
    assert_false(schedule_is_void(&s, ARRIVAL + USEC_DAY, ARRIVAL));
    assert_true(schedule_is_void(&s, ARRIVAL + USEC_DAY + 1, ARRIVAL));
    assert_false(schedule_is_void(&s, ARRIVAL - 100 * USEC_DAY, ARRIVAL));
    assert_false(schedule_is_void(&s, USEC_NEVER, ARRIVAL));
    s.after = 10 * USEC_DAY; /* and a fifth by chance */
    assert_false(schedule_is_void(&s, ARRIVAL + 12 * USEC_DAY, ARRIVAL));
    assert_true(schedule_is_void(&s, ARRIVAL + 12 * USEC_DAY + USEC_SEC, ARRIVAL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_grow_as_the_design_says),
        cmocka_unit_test(test_without_jitter_waits_are_exact),
        cmocka_unit_test(test_last_attempt_is_at_the_end),
        cmocka_unit_test(test_messages_without_sender_live_two_days),
        cmocka_unit_test(test_full_mailboxes_are_tried_for_a_day),
        cmocka_unit_test(test_notices_are_due_after_4_and_24_hours),
        cmocka_unit_test(test_clock_that_went_back_makes_messages_young),
        cmocka_unit_test(test_a_clock_is_believed_when_it_has_gone_on_for_an_hour),
        cmocka_unit_test(test_what_no_right_clock_has_planned_is_void),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
