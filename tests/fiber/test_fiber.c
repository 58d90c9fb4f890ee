/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "fiber/fiber.h"

static struct buf trace;

static void sleeper(void *arg) {
    const char *name = arg;
    usec_t span = (name[0] - '0') * USEC_SEC;
    assert_int_equal(fiber_sleep(span), 0);
    buf_add_str(&trace, name);
}

FIBER_TEST(simulated_time_wakes_sleepers_in_order_of_their_time) {
    usec_t began = fiber_now();
    assert_int_equal(fiber_wall(), TEST_WALL);
    assert_int_equal(fiber_spawn("c", sleeper, "3"), 0);
    assert_int_equal(fiber_spawn("a", sleeper, "1"), 0);
    assert_int_equal(fiber_spawn("b", sleeper, "2"), 0);
    assert_int_equal(fiber_children(), 3);
    assert_int_equal(fiber_sleep(5 * USEC_SEC), 0);
    assert_int_equal(fiber_now() - began, 5 * USEC_SEC);
    assert_int_equal(fiber_wall(), TEST_WALL + 5 * USEC_SEC);
    assert_int_equal(fiber_children(), 0);
    assert_slice(buf_slice(&trace), "123");
    buf_done(&trace);
}

static void waits_for_ever(void *arg) {
    int *result = arg;
    *result = fiber_sleep(USEC_DAY);
    assert_int_equal(fiber_sleep(USEC_DAY), -ECANCELED);
    assert_int_equal(fiber_yield(), -ECANCELED);
}

FIBER_TEST(cancel_ends_the_present_and_every_later_wait) {
    struct fiber *f = NULL;
    int result = 1;
    assert_int_equal(fiber_start("long", waits_for_ever, &result, &f), 0);
    assert_int_equal(fiber_yield(), 0);
    fiber_cancel(f);
    fiber_join(f);
    assert_int_equal(result, -ECANCELED);
}

static int child_result;

static void parent_of_one(void *arg UNUSED) {
    child_result = 1;
    assert_int_equal(fiber_spawn("child", waits_for_ever, &child_result), 0);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
}

FIBER_TEST(a_fiber_does_not_end_before_its_children) {
    struct fiber *f = NULL;
    assert_int_equal(fiber_start("parent", parent_of_one, NULL, &f), 0);
    fiber_join(f);
    assert_int_equal(child_result, -ECANCELED);
}

FIBER_TEST(deadlines_nest_and_the_earlier_one_wins) {
    usec_t began = fiber_now();
    struct fiber_deadline outer = fiber_deadline_begin(began + 2 * USEC_SEC);
    struct fiber_deadline inner = fiber_deadline_begin(began + 5 * USEC_SEC);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), -ETIMEDOUT);
    assert_int_equal(fiber_now(), began + 2 * USEC_SEC);
    assert_int_equal(fiber_sleep(USEC_SEC), -ETIMEDOUT);
    fiber_deadline_end(&inner);
    fiber_deadline_end(&outer);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
}

static void count_up(void *arg) {
    unsigned *count = arg;
    (void)fiber_sleep(1);
    (*count)++;
}

FIBER_TEST(ten_thousand_fibers_come_and_go) {
    unsigned count = 0;
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(fiber_spawn("one of many", count_up, &count), 0);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(count, 10000);
    struct fiber_stats stats;
    fiber_stats(&stats);
    assert_int_equal(stats.fibers, 1);
    assert_true(stats.stacks <= 2049);
}

static int use_much_stack(void) {
    volatile char page[40000];
    memset((char *)page, 1, sizeof page);
    return page[123];
}

static void deep(void *arg UNUSED) {
    assert_int_equal(use_much_stack(), 1);
    assert_int_equal(fiber_sleep(3 * USEC_SEC), 0);
    assert_int_equal(use_much_stack(), 1);
}

REAL_FIBER_TEST(a_trimmed_stack_is_still_whole_for_its_fiber) {
    struct fiber *f = NULL;
    assert_int_equal(fiber_start("deep", deep, NULL, &f), 0);
    fiber_join(f);
}

static void find_parked(const struct fiber_info *info, void *arg) {
    bool *found = arg;
    if (strcmp(info->name, "long") == 0) {
        *found = true;
        assert_string_equal(info->waits_for, "time");
        assert_int_equal(info->parked_for, 7 * USEC_SEC);
        assert_true(info->stack_used > 0 && info->stack_used < 8192);
    }
}

static void end_at_once(void *arg) {
    (*(unsigned *)arg)++;
}

static unsigned stacks_now(void) {
    struct fiber_stats stats;
    fiber_stats(&stats);
    return stats.stacks;
}

static void burst(unsigned count) {
    unsigned ended = 0;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fiber_spawn("burst", end_at_once, &ended), 0);
    while (ended < count)
        assert_int_equal(fiber_yield(), 0);
}

REAL_FIBER_TEST(stacks_are_kept_while_bursts_need_them_and_given_back_then) {
    burst(500);
    assert_int_equal(stacks_now(), 501);
    for (int i = 0; i < 15; i++) {
        burst(400);
        assert_int_equal(fiber_sleep(100 * USEC_MS), 0);
    }
    assert_in_range(stacks_now(), 400, 420); /* what the bursts did not need is gone */
    assert_int_equal(fiber_sleep(4500 * USEC_MS), 0);
    assert_in_range(stacks_now(), 1, 20);
}

FIBER_TEST(the_list_of_fibers_says_what_each_waits_for) {
    int result = 1;
    bool found = false;
    assert_int_equal(fiber_spawn("long", waits_for_ever, &result), 0);
    assert_int_equal(fiber_sleep(7 * USEC_SEC), 0);
    fiber_each(find_parked, &found);
    assert_true(found);
    fiber_cancel_children();
    assert_int_equal(fiber_children(), 0);
    assert_int_equal(result, -ECANCELED);
}

static const char *long_runner;

static usec_t long_computed;

static void note_long(void *arg, const char *name, usec_t ran, usec_t computed) {
    assert_ptr_equal(arg, &long_runner);
    assert_true(ran > 10 * USEC_MS && computed <= ran);
    long_runner = name;
    long_computed = computed;
}

static usec_t processor_time(void) {
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return used.tv_sec * USEC_SEC + used.tv_nsec / 1000;
}

static void busy(void *arg UNUSED) {
    usec_t until = processor_time() + 15 * USEC_MS;
    while (processor_time() < until)
        ;
}

/* Not for sure: the machine may be busy just then. */
static void blocked(void *arg UNUSED) {
    for (int i = 0; i < 100 && !long_runner; i++) {
        (void)usleep(12000);
        (void)fiber_yield();
    }
}

static void watch(fiber_fn *fn) {
    struct fiber_config config = {.ran_long = note_long, .ran_long_arg = &long_runner};
    long_runner = NULL;
    assert_int_equal(fiber_run(&config, fn, NULL), 0);
    assert_non_null(long_runner);
}

static void test_a_fiber_that_runs_long_is_reported(void **state) {
    (void)state;
    watch(busy);
    assert_true(long_computed > 10 * USEC_MS);
}

static void test_a_fiber_that_blocks_the_thread_is_reported(void **state) {
    (void)state;
    watch(blocked);
    assert_true(long_computed < 10 * USEC_MS);
}

REAL_FIBER_TEST(who_has_run_for_long_gives_way_and_nobody_else) {
    unsigned others = 0;
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(fiber_spawn("other", end_at_once, &others), 0);
    usec_t until = processor_time() + USEC_MS;
    while (processor_time() < until)
        ;
    assert_true(fiber_ran_long());
    assert_int_equal(others, 0);
    assert_int_equal(fiber_yield_if_long(), 0);
    assert_int_equal(others, 1);

    bool was_short = false; /* unless the machine stood still meanwhile */
    for (int i = 0; i < 100 && !was_short; i++) {
        assert_int_equal(fiber_yield(), 0);
        was_short = !fiber_ran_long();
    }
    assert_true(was_short);
}

FIBER_TEST(in_simulated_time_long_is_so_many_questions) {
    unsigned others = 0, asked = 1;
    assert_int_equal(fiber_spawn("other", end_at_once, &others), 0);
    for (; asked < 1000 && others == 0; asked++)
        assert_int_equal(fiber_yield_if_long(), 0);
    assert_in_range(asked, 2, 999);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_run_for_long_gives_way_and_nobody_else),
        cmocka_unit_test(test_in_simulated_time_long_is_so_many_questions),
        cmocka_unit_test(test_simulated_time_wakes_sleepers_in_order_of_their_time),
        cmocka_unit_test(test_cancel_ends_the_present_and_every_later_wait),
        cmocka_unit_test(test_a_fiber_does_not_end_before_its_children),
        cmocka_unit_test(test_deadlines_nest_and_the_earlier_one_wins),
        cmocka_unit_test(test_ten_thousand_fibers_come_and_go),
        cmocka_unit_test(test_a_trimmed_stack_is_still_whole_for_its_fiber),
        cmocka_unit_test(test_stacks_are_kept_while_bursts_need_them_and_given_back_then),
        cmocka_unit_test(test_the_list_of_fibers_says_what_each_waits_for),
        cmocka_unit_test(test_a_fiber_that_runs_long_is_reported),
        cmocka_unit_test(test_a_fiber_that_blocks_the_thread_is_reported),
    };
    return cmocka_run_group_tests_name("fiber", tests, NULL, NULL);
}
