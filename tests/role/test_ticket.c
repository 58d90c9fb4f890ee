/* SPDX-License-Identifier: ISC */
/*
 * Tickets open the mailbox of whoever has logged in, soon after, and nothing else.
 */
#include "unit.h"

#include "base/error.h"
#include "role/ticket.h"

static const uint8_t secret[PROCESS_SECRET] = "a secret of the directory's";
static const uint8_t other[PROCESS_SECRET] = "what an edge might guess";

static void test_a_ticket_opens_the_mailbox_it_was_made_for(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice t = ticket_make(secret, S("pop3"), 7, TEST_WALL, &a);
    assert_int_equal(ticket_check(secret, t, S("pop3"), 7, TEST_WALL, TICKET_LIFE), 0);
    assert_int_equal(ticket_check(secret, t, S("pop3"), 7, TEST_WALL + TICKET_LIFE, TICKET_LIFE),
                     0);
}

static void test_no_other_mailbox_service_or_time(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice t = ticket_make(secret, S("pop3"), 7, TEST_WALL, &a);
    assert_int_equal(ticket_check(secret, t, S("pop3"), 8, TEST_WALL, TICKET_LIFE), -E_REFUSED);
    assert_int_equal(ticket_check(secret, t, S("smtp"), 7, TEST_WALL, TICKET_LIFE), -E_REFUSED);
    assert_int_equal(
        ticket_check(secret, t, S("pop3"), 7, TEST_WALL + TICKET_LIFE + 1, TICKET_LIFE),
        -E_REFUSED);
    assert_int_equal(ticket_check(secret, t, S("pop3"), 7, TEST_WALL - USEC_MIN, TICKET_LIFE),
                     -E_REFUSED);
}

static void test_a_ticket_cannot_be_made_or_changed_without_the_secret(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice t = ticket_make(other, S("pop3"), 7, TEST_WALL, &a);
    assert_int_equal(ticket_check(secret, t, S("pop3"), 7, TEST_WALL, TICKET_LIFE), -E_REFUSED);
    assert_int_equal(ticket_check(secret, S(""), S("pop3"), 7, TEST_WALL, TICKET_LIFE), -E_REFUSED);
    t = ticket_make(secret, S("pop3"), 7, TEST_WALL, &a);
    for (size_t i = 0; i < t.len; i++) {
        char *byte = (char *)(uintptr_t)t.ptr + i;
        *byte ^= 1;
        assert_int_equal(ticket_check(secret, t, S("pop3"), 7, TEST_WALL + USEC_SEC, TICKET_LIFE),
                         -E_REFUSED);
        *byte ^= 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_opens_the_mailbox_it_was_made_for),
        cmocka_unit_test(test_no_other_mailbox_service_or_time),
        cmocka_unit_test(test_a_ticket_cannot_be_made_or_changed_without_the_secret),
    };
    return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
