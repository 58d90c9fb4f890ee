/* SPDX-License-Identifier: ISC */
/* The state of a message: what goes in comes out, whatever else comes in is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "spool/state.h"

static const struct spool_recipient_state LEFT[] = {
    {.index = 0, .status = 2, .attempts = 7, .next = 1800000000000001, .reply = {"450 wait", 8}},
    {.index = 4, .flags = 1, .extra = {"mx2", 3}},
};

static void state_comes_back(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_state s = {
        .hold = true, .flags = 9, .next = 1800000000000001, .recipients = LEFT, .count = 2};
    struct spool_state t;
    assert_int_equal(spool_state_encode(&s, &b), 0);
    assert_int_equal(spool_state_decode(buf_slice(&b), 5, &a, &t), 0);
    assert_true(t.hold);
    assert_int_equal(t.flags, 9);
    assert_int_equal(t.next, s.next);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.recipients[0].index, 0);
    assert_int_equal(t.recipients[0].status, 2);
    assert_int_equal(t.recipients[0].attempts, 7);
    assert_int_equal(t.recipients[0].next, LEFT[0].next);
    assert_true(slice_eq(t.recipients[0].reply, LEFT[0].reply));
    assert_int_equal(t.recipients[1].index, 4);
    assert_int_equal(t.recipients[1].flags, 1);
    assert_true(slice_eq(t.recipients[1].extra, LEFT[1].extra));
}

static void state_names_only_recipients_of_the_envelope(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct spool_state s = {.recipients = LEFT, .count = 2}, t;
    assert_int_equal(spool_state_encode(&s, &b), 0);
    assert_int_equal(spool_state_summary(buf_slice(&b), 4, &t), -E_SYNTAX);
    assert_int_equal(spool_state_summary(buf_slice(&b), 5, &t), 0);
}

static void state_names_each_recipient_once_and_in_order(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct spool_recipient_state wrong[] = {LEFT[1], LEFT[0]}, twice[] = {LEFT[1], LEFT[1]};
    struct spool_state s = {.recipients = wrong, .count = 2}, t;
    assert_int_equal(spool_state_encode(&s, &b), -E_LIMIT);
    s.recipients = twice;
    assert_int_equal(spool_state_encode(&s, &b), -E_LIMIT);
    static const char bytes[] = "\1"
                                "\4\0\0\0\0"
                                "\4\0\0\0\0"; /* recipient 0, twice */
    assert_int_equal(spool_state_summary(slice_of(bytes, sizeof bytes - 1), 5, &t), -E_SYNTAX);
    assert_int_equal(spool_state_summary(slice_of(bytes, sizeof bytes - 6), 5, &t), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(state_names_only_recipients_of_the_envelope),
        cmocka_unit_test(state_names_each_recipient_once_and_in_order),
    };
    return cmocka_run_group_tests_name("spool state", tests, NULL, NULL);
}
