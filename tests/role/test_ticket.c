/* SPDX-License-Identifier: ISC */
/*
 * Tickets open the mailbox of whoever has logged in, soon after, and nothing else.
 */
#include "unit.h"

#include "base/error.h"
#include "role/ticket.h"

static const uint8_t secret[PROCESS_SECRET] = "a secret of the directory's";
static const uint8_t other[PROCESS_SECRET] = "what an edge might guess";
static const struct ticket_for tama = {
    .service = {.ptr = "pop3", .len = 4},
    .account = 7,
    .address = {.ptr = "tama@example.test", .len = 17},
};

static void test_a_ticket_opens_the_mailbox_it_was_made_for(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice t = ticket_make(secret, &tama, TEST_WALL, &a);
    assert_int_equal(ticket_check(secret, t, &tama, TEST_WALL, TICKET_LIFE), 0);
    assert_int_equal(ticket_check(secret, t, &tama, TEST_WALL + TICKET_LIFE, TICKET_LIFE), 0);
}

static void test_no_other_mailbox_service_name_or_time(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice t = ticket_make(secret, &tama, TEST_WALL, &a);
    const struct ticket_for others[] = {
        {S("pop3"), 8, S("tama@example.test")},
        {S("smtp"), 7, S("tama@example.test")},
        {S("pop3"), 7, S("mike@example.test")},
        {S("pop3t"), 7, S("ama@example.test")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(ticket_check(secret, t, &others[i], TEST_WALL, TICKET_LIFE), -E_REFUSED);
    assert_int_equal(ticket_check(secret, t, &tama, TEST_WALL + TICKET_LIFE + 1, TICKET_LIFE),
                     -E_REFUSED);
    assert_int_equal(ticket_check(secret, t, &tama, TEST_WALL - USEC_MIN, TICKET_LIFE), -E_REFUSED);
}

static void test_a_ticket_cannot_be_made_or_changed_without_the_secret(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice t = ticket_make(other, &tama, TEST_WALL, &a);
    assert_int_equal(ticket_check(secret, t, &tama, TEST_WALL, TICKET_LIFE), -E_REFUSED);
    assert_int_equal(ticket_check(secret, S(""), &tama, TEST_WALL, TICKET_LIFE), -E_REFUSED);
    t = ticket_make(secret, &tama, TEST_WALL, &a);
    for (size_t i = 0; i < t.len; i++) {
        char *byte = (char *)(uintptr_t)t.ptr + i;
        *byte ^= 1;
        assert_int_equal(ticket_check(secret, t, &tama, TEST_WALL + USEC_SEC, TICKET_LIFE),
                         -E_REFUSED);
        *byte ^= 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_opens_the_mailbox_it_was_made_for),
        cmocka_unit_test(test_no_other_mailbox_service_name_or_time),
        cmocka_unit_test(test_a_ticket_cannot_be_made_or_changed_without_the_secret),
    };
    return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
