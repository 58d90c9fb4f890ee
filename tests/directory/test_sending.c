/* SPDX-License-Identifier: ISC */
/* How much an account may send: windows, known recipients, the verdict, and that it is kept. */
#include "directory_test.h"

#include "directory/internal.h"
#include "directory/sending.h"

#define NOW TEST_WALL

static struct sending_limits limits(int64_t hour, int64_t day, int64_t new_hour, int64_t new_day) {
    return (struct sending_limits){{hour, day, new_hour, new_day}};
}

static const struct sending_limits none = {{0}};

static struct sending_verdict send_one(struct sending *s, const struct sending_limits *l,
                                       const char *to, usec_t now) {
    struct slice recipient = slice_of_str(to);
    return sending_decide(s, l, &recipient, 1, now);
}

/* `count` recipients that nobody has written to, numbered from `first`. */
static struct sending_verdict send_many(struct sending *s, const struct sending_limits *l,
                                        unsigned first, unsigned count, usec_t now) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice *list = arena_array(&a, count, sizeof *list);
    for (unsigned i = 0; i < count; i++)
        list[i] = arena_printf(&a, "stranger%u@far.test", first + i);
    return sending_decide(s, l, list, count, now);
}

static void test_messages_of_an_hour_are_limited(void **state) {
    struct sending s = {0};
    struct sending_limits l = limits(3, 0, 0, 0);
    for (int i = 0; i < 3; i++)
        assert_false(send_one(&s, &l, "a@far.test", NOW + i).hold);
    struct sending_verdict v = send_one(&s, &l, "a@far.test", NOW + USEC_MIN);
    assert_true(v.hold);
    assert_int_equal(v.limit, SENDING_MESSAGES_HOUR);
    assert_int_equal(v.would_be, 4);
    assert_int_equal(sending_used(&s, SENDING_MESSAGES_HOUR, NOW + USEC_MIN), 3);
}

/* Held messages do not count: what goes out is bounded, and goes on. */
static void test_a_window_slides(void **state) {
    struct sending s = {0};
    struct sending_limits l = limits(4, 0, 0, 0);
    for (int i = 0; i < 4; i++)
        assert_false(send_one(&s, &l, "a@far.test", NOW).hold);
    for (int i = 0; i < 50; i++)
        assert_true(send_one(&s, &l, "a@far.test", NOW + USEC_HOUR - 1).hold);
    assert_int_equal(sending_used(&s, SENDING_MESSAGES_HOUR, NOW + USEC_HOUR), 4);
    assert_int_equal(sending_used(&s, SENDING_MESSAGES_HOUR, NOW + USEC_HOUR * 3 / 2), 2);
    assert_int_equal(sending_used(&s, SENDING_MESSAGES_HOUR, NOW + USEC_HOUR * 2), 0);
    assert_false(send_one(&s, &l, "a@far.test", NOW + USEC_HOUR * 3 / 2).hold);
    assert_int_equal(sending_used(&s, SENDING_MESSAGES_HOUR, NOW + USEC_HOUR * 3 / 2), 3);
}

/* The thief's message: one message to a thousand. */
static void test_one_message_to_very_many_strangers_is_held(void **state) {
    struct sending s = {0};
    struct sending_limits l = limits(500, 3000, 300, 1000);
    struct sending_verdict v = send_many(&s, &l, 0, 1000, NOW);
    assert_true(v.hold && v.notify);
    assert_int_equal(v.limit, SENDING_NEW_HOUR);
    assert_int_equal(v.would_be, 1000);
    v = send_many(&s, &l, 0, 1000, NOW); /* they have not become known by being held */
    assert_true(v.hold);
    assert_false(v.notify); /* once in a day */
    assert_false(send_one(&s, &l, "friend@far.test", NOW).hold);
    assert_true(send_many(&s, &l, 0, 1000, NOW + USEC_DAY).notify);
}

static void test_whoever_was_written_to_is_not_new(void **state) {
    struct sending s = {0};
    struct sending_limits l = limits(0, 0, 100, 0);
    assert_false(send_many(&s, &l, 0, 100, NOW).hold);
    assert_false(send_many(&s, &l, 0, 100, NOW).hold);
    assert_false(send_one(&s, &l, "Stranger5@FAR.test", NOW).hold);
    assert_true(send_one(&s, &l, "other@far.test", NOW).hold);
    assert_int_equal(sending_used(&s, SENDING_NEW_HOUR, NOW), 100);
}

static void test_whoever_was_not_written_to_for_long_is_new_again(void **state) {
    struct sending s = {0};
    assert_false(send_one(&s, &none, "old@far.test", NOW).hold);
    for (unsigned i = 0; i < 40; i++)
        assert_false(send_many(&s, &none, i * 200, 200, NOW).hold);
    uint64_t before = sending_used(&s, SENDING_NEW_DAY, NOW);
    assert_false(send_one(&s, &none, "old@far.test", NOW).hold);
    assert_int_equal(sending_used(&s, SENDING_NEW_DAY, NOW), before + 1);
}

static void test_days_are_limited_beside_hours(void **state) {
    struct sending s = {0};
    struct sending_limits l = limits(10, 15, 0, 0);
    for (int i = 0; i < 15; i++)
        assert_false(send_one(&s, &l, "a@far.test", NOW + i / 5 * 2 * USEC_HOUR).hold);
    assert_int_equal(send_one(&s, &l, "a@far.test", NOW + 8 * USEC_HOUR).limit,
                     SENDING_MESSAGES_DAY);
}

static void test_a_clock_that_is_set_back_begins_anew(void **state) {
    struct sending s = {0};
    struct sending_limits l = limits(1, 0, 0, 0);
    assert_false(send_one(&s, &l, "a@far.test", NOW).hold);
    assert_false(send_one(&s, &l, "a@far.test", NOW - USEC_DAY).hold);
    assert_true(send_one(&s, &l, "a@far.test", NOW - USEC_DAY).hold);
}

static void test_it_is_kept_as_it_was(void **state) {
    struct sending s = {0}, again;
    struct sending_limits l = limits(0, 0, 100, 0);
    _cleanup_(buf_done) struct buf bytes = {0};
    assert_false(send_many(&s, &l, 0, 100, NOW).hold);
    assert_true(send_one(&s, &l, "other@far.test", NOW).notify);
    sending_encode(&s, &bytes);
    sending_decode(buf_slice(&bytes), &again);
    assert_false(send_many(&again, &l, 0, 100, NOW).hold);
    assert_false(send_one(&again, &l, "other@far.test", NOW).notify);
    sending_decode(slice_first(buf_slice(&bytes), 100), &again);
    assert_int_equal(sending_used(&again, SENDING_NEW_HOUR, NOW), 0);
}

/* ------------------------------------------------------------------ in the directory */

static bool is_held(struct directory *d, uint64_t account) {
    struct slice to = S("kiku@far.test");
    struct sending_verdict verdict;
    assert_int_equal(directory_count_message(d, account, &to, 1, &verdict), 0);
    return verdict.hold;
}

DIRECTORY_TEST(an_account_has_its_own_limits_or_those_of_the_settings) {
    struct sending_limits l = limits(2, 0, 0, 0);
    struct account_limit shown[SENDING_LIMITS];
    _cleanup_(arena_done) struct arena a = {0};
    struct slice tama = S("tama@example.test");
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test"), other = add_account(d, "kobo@example.test");
    directory_set_sending_limits(d, &l);
    assert_false(is_held(d, id) || is_held(d, id));
    assert_true(is_held(d, id));
    assert_false(is_held(d, other));
    GOOD(directory_account_set_limit(d, &ORDER, tama, SENDING_MESSAGES_HOUR, 3, &problem));
    assert_false(is_held(d, id));
    assert_true(is_held(d, id));
    GOOD(directory_account_limits(d, tama, &a, shown, &problem));
    assert_int_equal(shown[SENDING_MESSAGES_HOUR].used, 3);
    assert_int_equal(shown[SENDING_MESSAGES_HOUR].most, 3);
    assert_true(shown[SENDING_MESSAGES_HOUR].own && !shown[SENDING_NEW_DAY].own);
    GOOD(directory_account_set_limit(d, &ORDER, tama, SENDING_MESSAGES_HOUR, SENDING_NO_LIMIT,
                                     &problem));
    assert_false(is_held(d, id));
    GOOD(directory_account_set_limit(d, &ORDER, tama, SENDING_MESSAGES_HOUR, SENDING_DEFAULT,
                                     &problem));
    assert_true(is_held(d, id));
    directory_close(d);
}

DIRECTORY_TEST(what_was_sent_survives_a_restart) {
    struct sending_limits l = limits(2, 0, 0, 0);
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test");
    directory_set_sending_limits(d, &l);
    assert_false(is_held(d, id) || is_held(d, id));
    directory_close(d);
    d = place_open(p);
    directory_set_sending_limits(d, &l);
    assert_true(is_held(d, id));
    uint64_t removed = 0;
    GOOD(directory_account_remove(d, &ORDER, S("tama@example.test"), &removed, &problem));
    directory_close(d);
}

DIRECTORY_TEST(what_could_not_be_written_is_written_later) {
    struct sending_limits l = limits(1, 0, 0, 0);
    add_domain(d, "example.test");
    uint64_t tama = add_account(d, "tama@example.test"), kuro = add_account(d, "kuro@example.test");
    directory_set_sending_limits(d, &l);
    assert_false(is_held(d, tama));
    sql(p, "CREATE TRIGGER full BEFORE INSERT ON sending BEGIN SELECT RAISE(FAIL, 'full'); END");
    assert_false(is_held(d, kuro));
    assert_true(directory_write_sending(d) < 0);
    sql(p, "DROP TRIGGER full");
    directory_close(d);
    d = place_open(p);
    directory_set_sending_limits(d, &l);
    assert_true(is_held(d, tama));
    assert_true(is_held(d, kuro));
    directory_close(d);
}

/* More accounts send than are kept in memory: nothing is forgotten. */
DIRECTORY_TEST(many_senders_are_counted) {
    struct account_new like = {.address = S("many%d@example.test"), .minimal_cost = true};
    struct sending_limits l = limits(1, 0, 0, 0);
    uint64_t added = 0;
    add_domain(d, "example.test");
    GOOD(directory_account_add_many(d, &ORDER, &like, 0, 2100, &added, &problem));
    directory_set_sending_limits(d, &l);
    for (uint64_t id = 1; id <= added; id++)
        assert_false(is_held(d, id));
    for (uint64_t id = 1; id <= added; id += 10)
        assert_true(is_held(d, id));
    directory_close(d);
}

static void the_reason_agrees_with_its_number(void **state) {
    struct sending_verdict v = {.limit = SENDING_NEW_HOUR, .would_be = 2, .most = 1};
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    assert_slice(sending_reason(&a, &v), "2 new recipients in an hour, 1 is allowed");
    v.most = 10;
    assert_slice(sending_reason(&a, &v), "2 new recipients in an hour, 10 are allowed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_an_hour_are_limited),
        cmocka_unit_test(test_a_window_slides),
        cmocka_unit_test(test_one_message_to_very_many_strangers_is_held),
        cmocka_unit_test(test_whoever_was_written_to_is_not_new),
        cmocka_unit_test(test_whoever_was_not_written_to_for_long_is_new_again),
        cmocka_unit_test(test_days_are_limited_beside_hours),
        cmocka_unit_test(test_a_clock_that_is_set_back_begins_anew),
        cmocka_unit_test(test_it_is_kept_as_it_was),
        cmocka_unit_test(test_an_account_has_its_own_limits_or_those_of_the_settings),
        cmocka_unit_test(test_what_was_sent_survives_a_restart),
        cmocka_unit_test(test_what_could_not_be_written_is_written_later),
        cmocka_unit_test(test_many_senders_are_counted),
        cmocka_unit_test(the_reason_agrees_with_its_number),
    };
    return cmocka_run_group_tests_name("sending", tests, NULL, NULL);
}
