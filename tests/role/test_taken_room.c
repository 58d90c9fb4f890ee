/* SPDX-License-Identifier: ISC */
/* How many messages that come at the same time find room in a mailbox. */
#include "unit.h"

#include "role/mail/taken_room.h"

#define TAMA 7U
#define KOBO 8U
#define NOW  (100 * USEC_SEC)

static queue_id last;

static bool take(struct taken_room *t, uint64_t account, uint64_t used, uint64_t size, usec_t now) {
    uint32_t place;
    struct rpc_room mailbox = {0, account, 1000, used};
    return taken_room_take(t, ++last, size, &mailbox, 1, now, &place);
}

static void test_messages_that_come_together_share_the_room(void **state) {
    struct taken_room *t = taken_room_new();
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(take(t, TAMA, 200, 200, NOW));
    assert_false(take(t, TAMA, 200, 1, NOW));
    assert_true(take(t, KOBO, 200, 800, NOW)); /* it has its own */
    taken_room_free(t);
}

/* Nothing counts twice, whenever the directory hears of it. */
static void test_what_the_directory_has_heard_of_is_not_counted_beside_it(void **state) {
    struct taken_room *t = taken_room_new();
    (void)state;
    for (uint64_t used = 0; used < 1000;
         used += 100) /* a message in 600 ms, heard of by the next */
        assert_true(take(t, TAMA, used, 100, NOW + (usec_t)used * 6 * USEC_MS));
    assert_false(take(t, TAMA, 1000, 1, NOW + 6000 * USEC_MS));
    taken_room_free(t);
}

static void test_a_message_counts_for_two_seconds_at_least(void **state) {
    (void)state;
    for (usec_t at = 0; at < 4 * USEC_SEC; at += 100 * USEC_MS) {
        struct taken_room *t = taken_room_new();
        assert_true(take(t, TAMA, 0, 1, NOW));
        assert_true(take(t, TAMA, 0, 999, NOW + at));
        assert_false(take(t, TAMA, 0, 1000, NOW + at + 1999 * USEC_MS));
        taken_room_free(t);
    }
}

/* Somebody has read his mail, or the message could not be taken after all. */
static void test_after_four_seconds_the_directory_is_right(void **state) {
    struct taken_room *t = taken_room_new();
    (void)state;
    assert_true(take(t, TAMA, 0, 1000, NOW));
    assert_false(take(t, TAMA, 0, 1000, NOW + 1900 * USEC_MS));
    assert_true(take(t, TAMA, 0, 1000, NOW + 4 * USEC_SEC));
    taken_room_free(t);
}

static void test_a_message_takes_room_once_and_in_all_mailboxes_or_none(void **state) {
    struct taken_room *t = taken_room_new();
    uint32_t place;
    (void)state;
    struct rpc_room twice[] = {{0, TAMA, 1000, 0}, {1, TAMA, 1000, 0}};
    struct rpc_room both[] = {{0, KOBO, 1000, 0}, {3, TAMA, 1000, 0}};
    assert_true(taken_room_take(t, ++last, 600, twice, 2, NOW, &place));
    assert_false(taken_room_take(t, ++last, 600, both, 2, NOW, &place));
    assert_int_equal(place, 3);
    assert_true(take(t, TAMA, 0, 400, NOW));
    assert_true(take(t, KOBO, 0, 1000, NOW));
    taken_room_free(t);
}

/* Then the message is not lost to him. */
static void test_one_mailbox_with_room_is_enough_for_a_recipient(void **state) {
    struct taken_room *t = taken_room_new();
    uint32_t place;
    (void)state;
    struct rpc_room alias[] = {{0, TAMA, 1000, 1000}, {0, KOBO, 1000, 0}};
    assert_true(taken_room_take(t, ++last, 600, alias, 2, NOW, &place));
    assert_false(taken_room_take(t, ++last, 600, alias, 2, NOW, &place));
    assert_int_equal(place, 0);
    taken_room_free(t);
}

static void test_very_many_accounts_are_no_more_memory(void **state) {
    struct taken_room *t = taken_room_new();
    (void)state;
    for (uint64_t account = 1; account <= 100000; account++)
        assert_true(take(t, account, 0, 1000, NOW + (usec_t)account));
    assert_false(take(t, 100000, 0, 1000, NOW + 100001));
    taken_room_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_that_come_together_share_the_room),
        cmocka_unit_test(test_what_the_directory_has_heard_of_is_not_counted_beside_it),
        cmocka_unit_test(test_a_message_counts_for_two_seconds_at_least),
        cmocka_unit_test(test_after_four_seconds_the_directory_is_right),
        cmocka_unit_test(test_a_message_takes_room_once_and_in_all_mailboxes_or_none),
        cmocka_unit_test(test_one_mailbox_with_room_is_enough_for_a_recipient),
        cmocka_unit_test(test_very_many_accounts_are_no_more_memory),
    };
    return cmocka_run_group_tests_name("taken room", tests, NULL, NULL);
}
