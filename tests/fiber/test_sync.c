/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>

#include "base/buf.h"
#include "fiber/sync.h"
#include "fiber/turn.h"

static struct fiber_mutex mutex;
static struct buf trace;

static void hold(void *arg) {
    const char *name = arg;
    assert_int_equal(fiber_mutex_lock(&mutex), 0);
    buf_add_str(&trace, name);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    buf_add_str(&trace, name);
    fiber_mutex_unlock(&mutex);
}

FIBER_TEST(a_mutex_is_handed_over_in_order_of_arrival) {
    fiber_mutex_init(&mutex);
    assert_int_equal(fiber_spawn("a", hold, "a"), 0);
    assert_int_equal(fiber_spawn("b", hold, "b"), 0);
    assert_int_equal(fiber_spawn("c", hold, "c"), 0);
    assert_int_equal(fiber_sleep(USEC_MS), 0);
    struct fiber_deadline d = fiber_deadline_begin(fiber_now() + USEC_MS);
    assert_int_equal(fiber_mutex_lock(&mutex), -ETIMEDOUT);
    fiber_deadline_end(&d);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    assert_slice(buf_slice(&trace), "aabbcc");
    buf_done(&trace);
}

static struct fiber_turns turns;
static struct fiber_turn places[4];

/* Prepares for a while that differs, then does something that takes another while. */
static void take_turn(void *arg) {
    const char *name = arg;
    struct fiber_turn turn = {0};
    fiber_turn_take(&turns, slice_of(name + 1, 1), arg, &turn);
    assert_int_equal(fiber_sleep((name[0] - '0') * USEC_SEC), 0);
    assert_int_equal(fiber_turn_wait(&turn), 0);
    buf_add_byte(&trace, name[0]);
    fiber_turn_pass(&turn);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
}

FIBER_TEST(turns_come_in_the_order_in_which_they_were_taken) {
    static const char *const names[] = {"3x", "2x", "1y", "0x", "4x"};
    struct fiber *f[ARRAY_SIZE(names)];
    usec_t began = fiber_now();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(fiber_start("turn", take_turn, (void *)(uintptr_t)names[i], &f[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        fiber_join(f[i]);
    assert_slice(buf_slice(&trace), "13204");
    assert_int_equal(fiber_now() - began, 14 * USEC_SEC); /* nobody waited for an end */
    fiber_turns_done(&turns);
    buf_done(&trace);
}

static void take_place(size_t i) {
    fiber_turn_take(&turns, S("x"), &places[i], &places[i]);
}

FIBER_TEST(a_turn_can_be_passed_on_at_any_place) {
    struct fiber_deadline d = fiber_deadline_begin(fiber_now());
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        take_place(i);
    fiber_turn_pass(&places[1]);
    assert_int_equal(fiber_turn_wait(&places[1]), 0); /* in no queue any more */
    assert_int_equal(fiber_turn_wait(&places[2]), -ETIMEDOUT);
    fiber_turn_pass(&places[0]);
    assert_int_equal(fiber_turn_wait(&places[2]), 0);
    fiber_turn_pass(&places[3]); /* the last one */
    take_place(0);
    assert_int_equal(fiber_turn_wait(&places[0]), -ETIMEDOUT);
    fiber_turn_pass(&places[2]);
    assert_int_equal(fiber_turn_wait(&places[0]), 0);
    fiber_turn_pass(&places[0]);
    fiber_turn_pass(&places[0]);
    fiber_deadline_end(&d);
    fiber_turns_done(&turns);
}

/* Or it would wait for itself. */
FIBER_TEST(an_owner_has_one_place_in_a_queue) {
    struct fiber_turn first = {0}, second = {0};
    fiber_turn_take(&turns, S("x"), &turns, &first);
    fiber_turn_take(&turns, S("x"), &turns, &second);
    assert_int_equal(fiber_turn_wait(&second), 0);
    fiber_turn_pass(&second);
    fiber_turn_pass(&first);
    fiber_turns_done(&turns);
}

static struct fiber_gate gate;
static unsigned inside, most;

static void pass_gate(void *arg UNUSED) {
    assert_int_equal(fiber_gate_enter(&gate), 0);
    inside++;
    most = inside > most ? inside : most;
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    inside--;
    fiber_gate_leave(&gate);
}

FIBER_TEST(a_gate_lets_no_more_than_its_limit_in) {
    usec_t began = fiber_now();
    fiber_gate_init(&gate, 3);
    struct fiber *f[9];
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(fiber_start("guest", pass_gate, NULL, &f[i]), 0);
    for (unsigned i = 0; i < 9; i++)
        fiber_join(f[i]);
    assert_int_equal(most, 3);
    assert_int_equal(gate.inside, 0);
    assert_int_equal(fiber_now() - began, 3 * USEC_SEC);
}

static struct fiber_channel channel;

static void produce(void *arg UNUSED) {
    static int numbers[100];
    for (int i = 0; i < 100; i++) {
        numbers[i] = i;
        assert_int_equal(fiber_channel_send(&channel, &numbers[i]), 0);
    }
    fiber_channel_close(&channel);
    assert_int_equal(fiber_channel_send(&channel, numbers), -EPIPE);
}

FIBER_TEST(a_channel_keeps_the_order_and_drains_after_close) {
    void *slots[4];
    void *item = NULL;
    int want = 0;
    int r;
    fiber_channel_init(&channel, slots, 4);
    assert_int_equal(fiber_spawn("producer", produce, NULL), 0);
    while ((r = fiber_channel_receive(&channel, &item)) == 0)
        assert_int_equal(*(int *)item, want++);
    assert_int_equal(r, -E_EOF);
    assert_int_equal(want, 100);
}

static struct fiber_cond cond;
static int woken;

static void wait_for_cond(void *arg UNUSED) {
    if (fiber_cond_wait(&cond) == 0)
        woken++;
}

FIBER_TEST(a_condition_wakes_one_or_all) {
    fiber_cond_init(&cond);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fiber_spawn("waiter", wait_for_cond, NULL), 0);
    assert_int_equal(fiber_yield(), 0);
    fiber_cond_wake_one(&cond);
    assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(woken, 1);
    fiber_cond_wake_all(&cond);
    assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(woken, 5);
    assert_int_equal(fiber_cond_wait_until(&cond, fiber_now() + USEC_SEC), -ETIMEDOUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mutex_is_handed_over_in_order_of_arrival),
        cmocka_unit_test(test_turns_come_in_the_order_in_which_they_were_taken),
        cmocka_unit_test(test_a_turn_can_be_passed_on_at_any_place),
        cmocka_unit_test(test_an_owner_has_one_place_in_a_queue),
        cmocka_unit_test(test_a_gate_lets_no_more_than_its_limit_in),
        cmocka_unit_test(test_a_channel_keeps_the_order_and_drains_after_close),
        cmocka_unit_test(test_a_condition_wakes_one_or_all),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
