/* SPDX-License-Identifier: ISC */
/*
 * Bounces that a stranger could steer: the sender of his message may be anybody, and its header is
 * his. What goes round in a circle is told to our own postmaster, within bounds, and never lost.
 */
#include <errno.h>

#include "fake_server.h"

#include "message/header.h"

static void send_from(struct server *o, uint8_t origin, const char *recipients, const char *bytes) {
    struct queue_message message = {
        .envelope.reverse_path = S("tama@here.test"),
        .envelope.origin = origin,
        .bytes = slice_of_str(bytes),
    };
    assert_int_equal(server_submit(o, &message, recipients), 0);
    server_wait(o, USEC_SEC);
}

#define LOOPING_HEADER "Delivered-To: away@here.test\r\nSubject: again\r\n"
#define LOOPING        LOOPING_HEADER "\r\nx\r\n"

SERVER_TEST(loop_of_a_stranger_is_told_to_our_postmaster) {
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test", LOOPING);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 0); /* to its sender */
    assert_int_equal(server_count(o, "out@away.test"), 0);
    const struct arrival *a = server_last(o, "postmaster@mx.here.test");
    assert_string_equal(a->mailbox, "mike@here.test");
    assert_int_equal(occurs(a->bytes, "Status: 5.4.6\r\n"), 1);
    assert_int_equal(occurs(a->bytes, "\nTo: postmaster@mx.here.test\r\n"), 1);
    assert_int_equal(occurs(a->bytes, LOOPING), 1); /* the message itself is there */
    assert_int_equal(occurs(buf_slice(&o->journey), "A report is on its way to the postmaster"), 1);
}

SERVER_TEST(wish_not_to_be_told_does_not_make_it_vanish) {
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test/1", LOOPING);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 1);
}

SERVER_TEST(loop_of_a_user_is_told_to_him) {
    send_from(o, QUEUE_FROM_USER, "away@here.test", LOOPING);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 0);
}

/* Without a forward nothing can go in a circle. */
SERVER_TEST(group_of_this_host_takes_what_it_had_before) {
    send_from(o, QUEUE_FROM_OUTSIDE, "both@here.test",
              "Delivered-To: both@here.test\r\nSubject: again\r\n\r\nx\r\n");
    assert_int_equal(server_count(o, "tama@here.test"), 1);
    assert_int_equal(server_reports(o), 0);
}

/* Hops were counted before the 250: here none is too many. */
SERVER_TEST(hops_are_not_counted_twice) {
    _cleanup_(buf_done) struct buf bytes = {0};
    for (int i = 0; i < 101; i++)
        buf_add_str(&bytes, "Received: from a by b\r\n");
    buf_add_str(&bytes, "\r\nx\r\n");
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test", buf_str(&bytes));
    assert_int_equal(server_count(o, "out@away.test"), 1);
    assert_int_equal(server_reports(o), 0);
}

static int refuses(struct server *o, const struct queue_transmission *t,
                   const struct recipient *recipient, struct arena *a, struct relay_result *ret) {
    (void)o, (void)t, (void)a;
    bool loop = slice_eq(recipient->address, S("out@away.test"));
    *ret = loop ? reply_of(RELAY_NEVER, 554, 5, 4, 6, "Too many hops")
                : reply_of(RELAY_NEVER, 550, 5, 1, 1, "No such user");
    ret->from_peer = true;
    return 0;
}

/* Many Received fields make the next host log_event so. An ordinary refusal is the sender's
 * business. */
SERVER_TEST(loop_that_another_host_finds) {
    o->transmit = refuses;
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test other@far.test", "Subject: x\r\n\r\nx\r\n");
    server_wait(o, USEC_MIN);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 1);
    struct slice report = server_last(o, "postmaster@mx.here.test")->bytes;
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; out@away.test\r\n"), 1);
    assert_int_equal(occurs(report, "far.test"), 0);
}

/* One attempt with both kinds: each is told to its own. */
SERVER_TEST(loop_beside_another_failure) {
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test off@here.test", LOOPING);
    server_wait(o, USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    struct slice to_us = server_last(o, "postmaster@mx.here.test")->bytes;
    struct slice to_sender = server_report(o, 0);
    assert_int_equal(occurs(to_us, "Final-Recipient: rfc822; away@here.test\r\n"), 1);
    assert_int_equal(occurs(to_us, "Final-Recipient: rfc822; off@here.test\r\n"), 0);
    assert_int_equal(occurs(to_sender, "Final-Recipient: rfc822; off@here.test\r\n"), 1);
    assert_int_equal(occurs(to_sender, "Final-Recipient: rfc822; away@here.test\r\n"), 0);
}

static void release_all(struct server *o) {
    struct queue_match match = {.all = true};
    uint64_t count = 0;
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_RELEASE}, &match,
                               &count, NULL, NULL),
                     0);
    server_wait(o, USEC_MIN);
}

SERVER_TEST(more_than_he_can_read_are_held) {
    o->options.postmaster_max = 2;
    server_reopen(o);
    for (int i = 0; i < 5; i++)
        send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test", LOOPING);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 2);
    assert_int_equal(server_messages(o), 3);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=held Put on hold"), 3);
    server_wait(o, 6 * USEC_DAY); /* nobody looks at them: they stay */
    assert_int_equal(server_messages(o), 3);
    release_all(o);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 4);
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(server_reports(o), 0);
}

static int send_travelled(struct server *o, const char *sender, unsigned shape) {
    struct queue_message message = {
        .envelope.reverse_path = slice_of_str(sender),
        .envelope.origin = QUEUE_FROM_OUTSIDE,
        .envelope.shape = shape,
        .bytes = S(LOOPING),
    };
    int error = server_submit(o, &message, "away@here.test");
    server_wait(o, USEC_SEC);
    return error;
}

static void hold_two(struct server *o) {
    o->options.postmaster_max = 0;
    o->options.loops_held_max = 2;
    server_reopen(o);
    for (int i = 0; i < 2; i++)
        assert_int_equal(send_travelled(o, "tama@here.test", SHAPE_TRAVELLED), 0);
    assert_int_equal(server_messages(o), 2);
}

SERVER_TEST(held_loops_are_bounded_and_those_like_them_are_put_off) {
    hold_two(o);
    assert_int_equal(send_travelled(o, "tama@here.test", SHAPE_TRAVELLED), -E_REFUSED);
    send_from(o, QUEUE_FROM_OUTSIDE, "tama@here.test", "Subject: other mail\r\n\r\nx\r\n");
    assert_int_equal(server_count(o, "tama@here.test"), 1);
    assert_int_equal(server_messages(o), 2);
    server_reopen(o);
    assert_int_equal(send_travelled(o, "tama@here.test", SHAPE_TRAVELLED), -E_REFUSED);
}

SERVER_TEST(bytes_of_held_loops_are_bounded) {
    o->options.loops_held_size_max = 2 * strlen(LOOPING) - 1;
    hold_two(o);
    o->options.loops_held_max = 100;
    server_reopen(o);
    assert_int_equal(send_travelled(o, "tama@here.test", SHAPE_TRAVELLED), -E_REFUSED);
}

SERVER_TEST(loops_are_taken_again_when_the_postmaster_has_looked) {
    hold_two(o);
    struct queue_match match = {.all = true};
    uint64_t count = 0;
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_REMOVE}, &match,
                               &count, NULL, NULL),
                     0);
    server_wait(o, USEC_MIN);
    assert_int_equal(send_travelled(o, "tama@here.test", SHAPE_TRAVELLED), 0);
}

/* RFC 5321 §4.5.5, §6.1: only what has the null sender may end without anybody being told. */
SERVER_TEST(beyond_the_bound_only_the_null_sender_ends) {
    hold_two(o);
    assert_int_equal(send_travelled(o, "", 0), 0);
    assert_int_equal(server_messages(o), 2);
    assert_int_equal(send_travelled(o, "tama@here.test", 0), 0);
    assert_int_equal(server_messages(o), 3);
    assert_int_equal(server_reports(o), 0);
}

SERVER_TEST(large_loop_is_held_and_its_header_reported) {
    _cleanup_(buf_done) struct buf bytes = {0};
    buf_add_str(&bytes, LOOPING);
    while (bytes.len <= 64U << 10)
        buf_add_str(&bytes, "a line of the body that nobody needs twice\r\n");
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test", buf_str(&bytes));
    struct slice report = server_last(o, "postmaster@mx.here.test")->bytes;
    assert_int_equal(occurs(report, "Content-Type: text/rfc822-headers"), 1);
    assert_int_equal(occurs(report, "\r\n\r\n" LOOPING_HEADER), 1);
    assert_int_equal(occurs(report, "a line of the body"), 0);
    assert_int_equal(occurs(report, "kept on hold"), 1);
    assert_int_equal(server_messages(o), 1); /* the message itself */
    server_wait(o, 6 * USEC_DAY);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 1);
    assert_int_equal(server_messages(o), 1);
}

static void nobody_is_postmaster(struct server *o, struct slice address) {
    o->resolve_error = 0;
    o->nobody = slice_starts(address, S("postmaster@"));
}

SERVER_TEST(report_that_nobody_gets_is_held) {
    o->look_up = nobody_is_postmaster;
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test", LOOPING);
    server_wait(o, 6 * USEC_DAY);
    assert_int_equal(server_messages(o), 1);
    o->look_up = NULL;
    o->nobody = false;
    release_all(o);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_count(o, "postmaster@mx.here.test"), 1);
}

SERVER_TEST(held_report_that_nobody_gets_can_be_removed) {
    struct queue_match match = {.all = true};
    uint64_t count = 0;
    o->look_up = nobody_is_postmaster;
    send_from(o, QUEUE_FROM_OUTSIDE, "away@here.test", LOOPING);
    server_wait(o, 6 * USEC_DAY);
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_REMOVE}, &match,
                               &count, NULL, NULL),
                     0);
    assert_int_equal(count, 1);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_SETTLED), 2);
    server_reopen(o);
    assert_int_equal(server_messages(o), 0);
}

/* ------------------------------------------------------------------ mailboxes without room */

static int no_room(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)p;
    return !o->number && slice_eq(d->mailbox.address, S("kuro@here.test")) ? -E_LIMIT : 0;
}

/* A stranger finds a full mailbox easily; notices of delay about it would go to anybody. */
SERVER_TEST(full_mailbox_sends_no_notices_to_strangers) {
    o->deliver = no_room;
    send_from(o, QUEUE_FROM_OUTSIDE, "kuro@here.test", "Subject: x\r\n\r\nx\r\n");
    server_wait(o, 5 * USEC_HOUR);
    assert_int_equal(server_reports(o), 0);
    send_from(o, QUEUE_FROM_USER, "kuro@here.test", "Subject: x\r\n\r\nx\r\n");
    server_wait(o, 5 * USEC_HOUR);
    assert_int_equal(server_reports(o), 1);
}

static void small_quota(struct server *o, struct slice address) {
    (void)address;
    o->quota = 20;
}

/* RFC 3463 X.2.3: what can never fit is not tried for a day. */
SERVER_TEST(larger_than_the_mailbox_may_hold_is_settled_at_once) {
    o->deliver = no_room;
    o->look_up = small_quota;
    send_from(o, QUEUE_FROM_USER, "kuro@here.test", "Subject: too large\r\n\r\nx\r\n");
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Status: 5.2.3\r\n"), 1);
}

/* NOTIFY=SUCCESS, and whose name a stranger likes: he gets a report of each message. */
SERVER_TEST(reports_of_success_to_strangers_are_bounded_in_an_hour) {
    o->options.success_max = 2;
    server_reopen(o);
    for (int i = 0; i < 5; i++)
        send_from(o, QUEUE_FROM_OUTSIDE, "mike@here.test/2", SERVER_MESSAGE);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_reports(o), 2);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_WARNING), 1);
    send_from(o, QUEUE_FROM_USER, "mike@here.test/2", SERVER_MESSAGE);
    send_from(o, QUEUE_FROM_OUTSIDE, "gone@here.test/6", SERVER_MESSAGE);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_reports(o), 4);
    server_wait(o, USEC_HOUR);
    send_from(o, QUEUE_FROM_OUTSIDE, "mike@here.test/2", SERVER_MESSAGE);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_reports(o), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_of_a_stranger_is_told_to_our_postmaster),
        cmocka_unit_test(test_wish_not_to_be_told_does_not_make_it_vanish),
        cmocka_unit_test(test_loop_of_a_user_is_told_to_him),
        cmocka_unit_test(test_group_of_this_host_takes_what_it_had_before),
        cmocka_unit_test(test_hops_are_not_counted_twice),
        cmocka_unit_test(test_loop_that_another_host_finds),
        cmocka_unit_test(test_loop_beside_another_failure),
        cmocka_unit_test(test_more_than_he_can_read_are_held),
        cmocka_unit_test(test_held_loops_are_bounded_and_those_like_them_are_put_off),
        cmocka_unit_test(test_bytes_of_held_loops_are_bounded),
        cmocka_unit_test(test_loops_are_taken_again_when_the_postmaster_has_looked),
        cmocka_unit_test(test_beyond_the_bound_only_the_null_sender_ends),
        cmocka_unit_test(test_large_loop_is_held_and_its_header_reported),
        cmocka_unit_test(test_report_that_nobody_gets_is_held),
        cmocka_unit_test(test_held_report_that_nobody_gets_can_be_removed),
        cmocka_unit_test(test_full_mailbox_sends_no_notices_to_strangers),
        cmocka_unit_test(test_reports_of_success_to_strangers_are_bounded_in_an_hour),
        cmocka_unit_test(test_larger_than_the_mailbox_may_hold_is_settled_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
