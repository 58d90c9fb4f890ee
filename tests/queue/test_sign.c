/* SPDX-License-Identifier: ISC */
/* What leaves in our name is signed once in an attempt, and does not leave without. */
#include <errno.h>

#include "fake_server.h"

#define SEAL  "ARC-Seal: i=1\r\n"
#define FIELD "DKIM-Signature: v=1\r\n"

static unsigned asked;
static int error;
static char login[64];

static int sign(struct server *o, const struct queue_signing *signing, struct slice *ret) {
    (void)o;
    asked++;
    if (signing->forward) {
        *ret = S(SEAL);
        return error;
    }
    (void)slice_to_str(signing->login, login, sizeof login);
    assert_true(signing->body->bytes.len > 0);
    int r = fiber_sleep(USEC_SEC); /* so that steps beside each other meet */
    *ret = S(FIELD);
    return r < 0 ? r : error;
}

static void begin(struct server *o) {
    asked = 0;
    error = 0;
    o->sign = sign;
}

/* A message that came in this way, from tama. */
static void send_from(struct server *o, enum queue_origin origin, const char *recipients) {
    struct queue_message message = {
        .envelope = {.reverse_path = S("tama@here.test"),
                     .origin = (uint8_t)origin,
                     .login = origin == QUEUE_FROM_USER ? S("tama@here.test") : S("")},
        .bytes = slice_of_str(SERVER_MESSAGE),
    };
    assert_int_equal(server_submit(o, &message, recipients), 0);
}

SERVER_TEST(what_users_send_is_signed_once_for_all_hosts) {
    begin(o);
    send_from(o, QUEUE_FROM_USER, "a@one.test b@two.test c@three.test tama@here.test");
    server_wait(o, USEC_MIN);
    assert_int_equal(asked, 1);
    assert_string_equal(login, "tama@here.test");
    assert_string_equal(server_last(o, "a@one.test")->head, FIELD);
    assert_string_equal(server_last(o, "b@two.test")->head, FIELD);
    assert_string_equal(server_last(o, "c@three.test")->head, FIELD);
}

SERVER_TEST(what_stays_here_is_not_signed) {
    begin(o);
    send_from(o, QUEUE_FROM_USER, "tama@here.test both@here.test");
    server_wait(o, USEC_MIN);
    assert_int_equal(asked, 0);
}

SERVER_TEST(a_strangers_message_that_an_alias_sends_on_is_sealed_and_not_signed) {
    begin(o);
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test");
    server_wait(o, USEC_MIN);
    assert_int_equal(server_count(o, "out@away.test"), 1);
    assert_string_equal(server_last(o, "out@away.test")->head, SEAL);
}

SERVER_TEST(what_a_user_sends_through_an_alias_is_signed) {
    begin(o);
    send_from(o, QUEUE_FROM_USER, "away@here.test");
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "out@away.test")->head, FIELD);
    assert_string_equal(login, "tama@here.test");
}

SERVER_TEST(what_a_gateway_passed_on_is_not_signed_as_ours_when_an_alias_sends_it_on) {
    begin(o);
    send_from(o, QUEUE_FROM_HOST, "away@here.test");
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "out@away.test")->head, SEAL);
    send_from(o, QUEUE_FROM_HOST, "a@one.test");
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "a@one.test")->head, FIELD);
}

static int refuse(struct server *o, const struct queue_transmission *t, const struct recipient *to,
                  struct arena *a, struct relay_result *ret) {
    (void)o;
    (void)a;
    if (t->message.envelope->reverse_path.len > 0)
        *ret = reply_of(RELAY_NEVER, 550, 5, 1, 1, "nobody of that name");
    (void)to;
    return 0;
}

SERVER_TEST(a_report_that_leaves_is_signed) {
    begin(o);
    o->transmit = refuse;
    struct queue_message message = {
        .envelope = {.reverse_path = S("x@far.test"), .origin = QUEUE_FROM_HOST},
        .bytes = slice_of_str(SERVER_MESSAGE)};
    assert_int_equal(server_submit(o, &message, "a@one.test"), 0);
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "x@far.test")->head, FIELD);
    assert_string_equal(server_last(o, "x@far.test")->sender, "");
    assert_int_equal(asked, 2);
}

SERVER_TEST(while_nobody_can_sign_a_message_waits_and_is_no_failed_attempt) {
    begin(o);
    error = -EPIPE;
    send_from(o, QUEUE_FROM_USER, "a@one.test");
    server_wait(o, 5 * USEC_SEC);
    assert_true(asked > 1);
    assert_int_equal(server_count(o, "a@one.test"), 0);
    error = 0;
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "a@one.test")->head, FIELD);
}

SERVER_TEST(a_key_that_cannot_sign_holds_messages_back_and_fails_none) {
    begin(o);
    error = -E_CORRUPT;
    send_from(o, QUEUE_FROM_USER, "a@one.test");
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_count(o, "a@one.test"), 0);
    assert_int_equal(server_messages(o), 1);
    error = 0;
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_count(o, "a@one.test"), 1);
}

SERVER_TEST(a_later_attempt_signs_anew) {
    begin(o);
    error = -E_TEMPORARY;
    send_from(o, QUEUE_FROM_USER, "a@one.test");
    server_wait(o, USEC_SEC * 2);
    unsigned before = asked;
    error = 0;
    server_wait(o, USEC_HOUR);
    assert_int_equal(asked, before + 1);
}

/* ------------------------------------------------------------------ senders of what goes on */

static int send_on(struct server *o, struct slice reverse_path, struct slice *ret) {
    (void)o;
    assert_slice(reverse_path, "tama@here.test");
    asked++;
    *ret = S("SRS0=x@mx.here.test");
    return error;
}

SERVER_TEST(what_an_alias_sends_on_has_the_sender_that_leads_back) {
    asked = 0;
    error = 0;
    o->send_on = send_on;
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test a@one.test");
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "out@away.test")->sender, "SRS0=x@mx.here.test");
    assert_string_equal(server_last(o, "a@one.test")->sender, "tama@here.test");
    assert_int_equal(asked, 1);
}

SERVER_TEST(a_report_that_an_alias_sends_on_keeps_the_null_sender) {
    asked = 0;
    o->send_on = send_on;
    struct queue_message message = {.envelope = {.origin = QUEUE_FROM_OUTSIDE},
                                    .bytes = slice_of_str(SERVER_MESSAGE)};
    assert_int_equal(server_submit(o, &message, "away@here.test"), 0);
    server_wait(o, USEC_MIN);
    assert_string_equal(server_last(o, "out@away.test")->sender, "");
    assert_int_equal(asked, 0);
}

SERVER_TEST(while_the_directory_is_away_what_goes_on_waits) {
    asked = 0;
    error = -EPIPE;
    o->send_on = send_on;
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test");
    server_wait(o, 5 * USEC_SEC);
    assert_int_equal(server_count(o, "out@away.test"), 0);
    error = 0;
    server_wait(o, USEC_MIN);
    assert_int_equal(server_count(o, "out@away.test"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_users_send_is_signed_once_for_all_hosts),
        cmocka_unit_test(test_what_stays_here_is_not_signed),
        cmocka_unit_test(test_a_strangers_message_that_an_alias_sends_on_is_sealed_and_not_signed),
        cmocka_unit_test(test_what_a_user_sends_through_an_alias_is_signed),
        cmocka_unit_test(
            test_what_a_gateway_passed_on_is_not_signed_as_ours_when_an_alias_sends_it_on),
        cmocka_unit_test(test_a_report_that_leaves_is_signed),
        cmocka_unit_test(test_while_nobody_can_sign_a_message_waits_and_is_no_failed_attempt),
        cmocka_unit_test(test_a_key_that_cannot_sign_holds_messages_back_and_fails_none),
        cmocka_unit_test(test_a_later_attempt_signs_anew),
        cmocka_unit_test(test_what_an_alias_sends_on_has_the_sender_that_leads_back),
        cmocka_unit_test(test_a_report_that_an_alias_sends_on_keeps_the_null_sender),
        cmocka_unit_test(test_while_the_directory_is_away_what_goes_on_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
