/* SPDX-License-Identifier: ISC */
/*
 * One mailbox gets one copy of a message, however its address is written or reached within one
 * envelope. The Delivered-To is that of the recipient who was given first.
 */
#include <errno.h>
#include <stdio.h>

#include "fake_server.h"

#include "message/header.h"

static void expect_header(struct slice message, const char *name, size_t nth, const char *value) {
    struct header_field field;
    if (!header_find(message, NULL, slice_of_str(name), nth, &field))
        fail_msg("no field %s", name);
    assert_slice(slice_trim_lines(field.raw), value);
}

static const struct arrival *in_mailbox(const struct server *o, const char *mailbox,
                                        unsigned times) {
    const struct arrival *found = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < o->arrived; i++) {
        if (!o->arrivals[i].local || strcmp(o->arrivals[i].mailbox, mailbox) != 0)
            continue;
        found = &o->arrivals[i];
        n++;
    }
    if (n != times)
        fail_msg("%u copies in the mailbox of %s instead of %u", n, mailbox, times);
    return found;
}

/* Sent by mike, and delivered as often as this in all. */
static void deliver(struct server *o, const char *recipients, unsigned arrivals) {
    server_send(o, "mike@here.test", recipients);
    server_wait(o, USEC_MS);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->arrived, arrivals);
}

SERVER_TEST(upper_and_lower_case) {
    deliver(o, "Kuro@here.test kuro@here.test KURO@here.test", 1);
    expect_header(in_mailbox(o, "kuro@here.test", 1)->bytes, "Delivered-To", 0, "Kuro@here.test");
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=delivered "), 3);
    assert_int_equal(o->again, 0); /* the mailbox is asked once */
}

SERVER_TEST(alias_and_address) {
    deliver(o, "black@here.test kuro@here.test", 1);
    const struct arrival *a = in_mailbox(o, "kuro@here.test", 1);
    expect_header(a->bytes, "Delivered-To", 0, "kuro@here.test");
    expect_header(a->bytes, "Delivered-To", 1, "black@here.test");
}

SERVER_TEST(address_and_alias) {
    deliver(o, "kuro@here.test black@here.test", 1);
    const struct arrival *a = in_mailbox(o, "kuro@here.test", 1);
    expect_header(a->bytes, "Delivered-To", 0, "kuro@here.test");
    assert_int_equal(header_count(a->bytes, NULL, S("Delivered-To")), 1);
}

SERVER_TEST(details_of_one_mailbox) {
    _cleanup_(buf_done) struct buf recipients = {0};
    for (int i = 0; i < 250; i++)
        buf_printf(&recipients, "kuro+%d@here.test ", i);
    deliver(o, buf_str(&recipients), 1);
    expect_header(in_mailbox(o, "kuro@here.test", 1)->bytes, "Delivered-To", 0, "kuro+0@here.test");
}

SERVER_TEST(member_behind_a_group) {
    deliver(o, "both@here.test tama@here.test", 2);
    const struct arrival *a = in_mailbox(o, "tama@here.test", 1);
    expect_header(a->bytes, "Delivered-To", 0, "tama@here.test");
    expect_header(a->bytes, "Delivered-To", 1, "both@here.test");
    in_mailbox(o, "mike@here.test", 1);
    assert_int_equal(o->again, 0);
}

SERVER_TEST(member_before_a_group) {
    deliver(o, "TAMA@here.test both@here.test", 2);
    const struct arrival *a = in_mailbox(o, "tama@here.test", 1);
    expect_header(a->bytes, "Delivered-To", 0, "TAMA@here.test");
    assert_int_equal(header_count(a->bytes, NULL, S("Delivered-To")), 1);
    in_mailbox(o, "mike@here.test", 1);
    assert_int_equal(o->again, 0);
}

SERVER_TEST(two_groups) {
    deliver(o, "both@here.test team@here.test", 3);
    in_mailbox(o, "tama@here.test", 1);
    in_mailbox(o, "mike@here.test", 1);
}

/* All members of the group have the message already: there is nobody left for another message. */
SERVER_TEST(group_whose_members_have_all_been_given) {
    deliver(o, "tama@here.test mike@here.test both@here.test", 2);
    in_mailbox(o, "tama@here.test", 1);
    in_mailbox(o, "mike@here.test", 1);
    assert_int_equal(occurs(buf_slice(&o->journey), "  child="), 0);
}

/* What goes out is sent once to one address, too. */
SERVER_TEST(forward_that_is_a_recipient_itself) {
    deliver(o, "out@AWAY.test team@here.test away@here.test", 3);
    assert_int_equal(server_count(o, "out@AWAY.test"), 1);
    assert_int_equal(server_count(o, "out@away.test"), 0);
}

/* ------------------------------------------------------------------ apart in time */

static void first_one_cannot_be_looked_up(struct server *o, struct slice address) {
    if (slice_eq(address, S("both@here.test")))
        o->resolve_error = o->number++ == 0 ? -ETIMEDOUT : 0;
    else
        o->resolve_error = 0;
}

/* The expansion is another message, made in another attempt: the mailbox knows both by one key. */
SERVER_TEST(group_that_is_found_later) {
    o->look_up = first_one_cannot_be_looked_up;
    server_send(o, "mike@here.test", "both@here.test tama@here.test");
    server_wait(o, 10 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    in_mailbox(o, "tama@here.test", 1);
    in_mailbox(o, "mike@here.test", 1);
    assert_int_equal(o->again, 1);
}

static int full_for_an_hour(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)p;
    bool tama = slice_eq(d->mailbox.address, S("tama@here.test"));
    return tama && fiber_wall() < TEST_WALL + USEC_HOUR ? -E_LIMIT : 0;
}

SERVER_TEST(mailbox_that_is_full_for_a_while) {
    o->deliver = full_for_an_hour;
    server_send(o, "mike@here.test", "Tama@here.test tama@here.test both@here.test");
    server_wait(o, 5 * USEC_HOUR);
    assert_int_equal(server_messages(o), 0);
    in_mailbox(o, "tama@here.test", 1);
    in_mailbox(o, "mike@here.test", 1);
}

static int nobody_there(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)p;
    return slice_eq(d->mailbox.address, S("kuro@here.test")) ? -E_UNKNOWN : 0;
}

/* Each address that was given is answered for. */
SERVER_TEST(failure_is_reported_for_each_address) {
    o->deliver = nobody_there;
    server_send(o, "tama@here.test", "KURO@here.test black@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; KURO@here.test\r\n"), 1);
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; black@here.test\r\n"), 1);
}

/* RFC 3461 §4.1: who asked to hear of the success hears of it, also behind a group. */
SERVER_TEST(wish_for_a_report_goes_along_with_the_group) {
    server_send(o, "tama@here.test", "both@here.test mike@here.test/2");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; mike@here.test\r\n"), 1);
    assert_int_equal(occurs(report, "Action: delivered\r\n"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upper_and_lower_case),
        cmocka_unit_test(test_alias_and_address),
        cmocka_unit_test(test_address_and_alias),
        cmocka_unit_test(test_details_of_one_mailbox),
        cmocka_unit_test(test_member_behind_a_group),
        cmocka_unit_test(test_member_before_a_group),
        cmocka_unit_test(test_two_groups),
        cmocka_unit_test(test_group_whose_members_have_all_been_given),
        cmocka_unit_test(test_forward_that_is_a_recipient_itself),
        cmocka_unit_test(test_group_that_is_found_later),
        cmocka_unit_test(test_mailbox_that_is_full_for_a_while),
        cmocka_unit_test(test_failure_is_reported_for_each_address),
        cmocka_unit_test(test_wish_for_a_report_goes_along_with_the_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
