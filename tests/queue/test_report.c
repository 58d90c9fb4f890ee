/* SPDX-License-Identifier: ISC */
/*
 * What senders are told (RFC 3461, RFC 3464): who is told what, and what the message says.
 */
#include <stdio.h>
#include <string.h>

#include "fake_server.h"

#include "message/header.h"

/* ------------------------------------------------------------------ the NOTIFY matrix */

enum { NEVER = 1, SUCCESS = 2, FAILURE = 4, DELAY = 8 };

/* What other hosts log_event to a recipient, by the local part. */
static int by_name(struct server *o, const struct queue_transmission *t,
                   const struct recipient *recipient, struct arena *a, struct relay_result *ret) {
    (void)o, (void)t, (void)a;
    if (slice_starts(recipient->address, S("refused")))
        *ret = reply_of(RELAY_NEVER, 550, 5, 7, 1, "Not wanted");
    ret->dsn_passed = slice_starts(recipient->address, S("modern"));
    return 0;
}

static const char *action_of(struct slice report) {
    static const char *const names[] = {"failed", "delivered", "relayed", "expanded", "delayed"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char field[40];
        (void)snprintf(field, sizeof field, "Action: %s\r\n", names[i]);
        if (occurs(report, field))
            return names[i];
    }
    return "none";
}

/* RFC 3461 §4.1 (NOTIFY), §5.2.2, §5.2.3, §5.2.7 (what success means). */
static const struct {
    const char *recipient;
    unsigned notify;
    const char *told;
} matrix[] = {
    {"mike@here.test", 0, NULL},
    {"mike@here.test", NEVER, NULL},
    {"mike@here.test", SUCCESS, "delivered"},
    {"mike@here.test", SUCCESS | FAILURE, "delivered"},
    {"mike@here.test", FAILURE, NULL},
    {"mike@here.test", DELAY, NULL},
    {"gone@here.test", 0, "failed"},
    {"gone@here.test", NEVER, NULL},
    {"gone@here.test", SUCCESS, NULL},
    {"gone@here.test", FAILURE, "failed"},
    {"gone@here.test", DELAY, NULL},
    {"old@away.test", 0, NULL},
    {"old@away.test", SUCCESS, "relayed"},
    {"old@away.test", FAILURE | DELAY, NULL},
    {"modern@away.test", SUCCESS, NULL},
    {"refused@away.test", 0, "failed"},
    {"refused@away.test", NEVER, NULL},
    {"refused@away.test", SUCCESS, NULL},
    {"refused@away.test", SUCCESS | FAILURE | DELAY, "failed"},
    {"both@here.test", 0, NULL},
    {"both@here.test", SUCCESS, "expanded"},
    {"both@here.test", FAILURE, NULL},
    {"away@here.test", SUCCESS, "relayed"}, /* told by the message to its only target */
};

SERVER_TEST(notify_decides_what_senders_are_told) {
    o->transmit = by_name;
    for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
        char to[80];
        unsigned before = server_reports(o);
        (void)snprintf(to, sizeof to, "%s/%c", matrix[i].recipient, '0' + matrix[i].notify);
        server_send(o, "tama@here.test", to);
        server_wait(o, USEC_SEC);
        unsigned told = server_reports(o) - before;
        if (told != (matrix[i].told ? 1 : 0))
            fail_msg("%s: %u reports", to, told);
        if (told)
            assert_string_equal(action_of(server_report(o, before)), matrix[i].told);
        assert_int_equal(server_messages(o), 0);
    }
}

/* RFC 5321 §4.5.5, §6.1: nothing is ever sent because of a message with the null sender. */
SERVER_TEST(messages_without_sender_cause_no_reports) {
    o->transmit = by_name;
    for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
        char to[80];
        (void)snprintf(to, sizeof to, "%s/%c", matrix[i].recipient,
                       '0' + (SUCCESS | FAILURE | DELAY));
        server_send(o, "", to);
    }
    server_wait(o, USEC_SEC);
    struct queue_stats stats;
    queue_stats(o->queue, &stats);
    assert_int_equal(stats.messages, 0);
    assert_int_equal(stats.reports, 0);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_REPORT), 0);
}

/* RFC 3461 §5.2.1: the parameters go on to a host that can have them. */
SERVER_TEST(notify_goes_on_to_other_hosts) {
    server_send(o, "tama@here.test", "a@away.test/6 b@away.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_last(o, "a@away.test")->notify, SUCCESS | FAILURE);
    assert_int_equal(server_last(o, "b@away.test")->notify, 0);
}

SERVER_TEST(report_that_cannot_be_delivered_is_given_up) {
    o->transmit = by_name;
    server_send(o, "refused@away.test", "gone@here.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_BOUNCED), 2);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=report "), 1);
}

SERVER_TEST(different_results_of_one_attempt_share_a_report) {
    o->transmit = by_name;
    server_send(o, "tama@here.test",
                "gone@here.test mike@here.test/2 refused@away.test old@other.test/2");
    server_wait(o, USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Action: failed\r\n"), 2);
    assert_int_equal(occurs(report, "Action: delivered\r\n"), 1);
    assert_int_equal(occurs(report, "Action: relayed\r\n"), 1);
}

/* ------------------------------------------------------------------ what the message says */

static struct slice field(struct slice message, const char *name) {
    struct header_field f;
    if (!header_find(message, NULL, slice_of_str(name), 0, &f))
        fail_msg("no field %s", name);
    return slice_trim_lines(f.raw);
}

/* Cuts the message at its boundary: preamble and three parts. */
static void cut_parts(struct slice message, struct slice parts[static 4]) {
    struct slice type = field(message, "Content-Type");
    ssize_t at = slice_find(type, S("boundary=\""));
    assert_true(at > 0);
    struct slice boundary = slice_from(type, (size_t)at + strlen("boundary=\""));
    boundary = slice_first(boundary, boundary.len - 1);
    message = slice_from(message, header_body(message, NULL));
    for (int i = 0; i < 4; i++) {
        ssize_t end = slice_find(message, boundary);
        assert_true(end > 0);
        parts[i] = slice_first(message, (size_t)end);
        message = slice_from(message, (size_t)end + boundary.len);
    }
}

static void send_with(struct server *o, enum dsn_return ret, struct slice bytes,
                      const char *original) {
    struct recipient to = {.address = S("refused@away.test"), .original = slice_of_str(original)};
    struct problem problem;
    struct queue_message message = {
        .id = queue_id_next(&o->ids, fiber_wall()),
        .envelope.reverse_path = S("tama@here.test"),
        .envelope.recipients = &to,
        .envelope.count = 1,
        .envelope.ret = ret,
        .envelope.envid = S("QQ+2B314"),
        .envelope.origin = QUEUE_FROM_USER,
        .bytes = bytes,
    };
    o->transmit = by_name;
    assert_int_equal(queue_submit(o->queue, &message, &problem), 0);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_reports(o), 1);
}

/* RFC 3464 §2, RFC 3461 §6.3, RFC 6522 §3. */
SERVER_TEST(report_has_the_fields_of_rfc_3464) {
    struct slice parts[4];
    send_with(o, RETURN_FULL, slice_of_str(SERVER_MESSAGE), "rfc822;Old+2BName@away.test");
    struct slice report = server_report(o, 0);
    cut_parts(report, parts);
    assert_slice(field(report, "Return-Path"), "<>");
    assert_slice(field(report, "To"), "tama@here.test");
    assert_true(slice_find(field(report, "From"), S("<MAILER-DAEMON@mx.here.test>")) >= 0);
    assert_slice(field(report, "Auto-Submitted"), "auto-replied");
    assert_slice(field(report, "In-Reply-To"), "<one@here.test>");
    assert_true(slice_find(field(report, "Content-Type"), S("report-type=delivery-status")) > 0);
    assert_int_equal(occurs(parts[2], "Reporting-MTA: dns; mx.here.test\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Original-Envelope-Id: QQ+314\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Original-Recipient: rfc822; Old+Name@away.test\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Final-Recipient: rfc822; refused@away.test\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Action: failed\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Status: 5.7.1\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Remote-MTA: dns; mx.away.test\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Diagnostic-Code: smtp; 550 5.7.1 Not wanted\r\n"), 1);
    assert_int_equal(occurs(parts[2], "Arrival-Date: "), 1);
    assert_int_equal(occurs(parts[2], "Last-Attempt-Date: "), 1);
    assert_int_equal(occurs(parts[3], "Content-Type: message/rfc822\r\n"), 1);
    assert_int_equal(occurs(parts[3], "\r\nHello.\r\n"), 1);
}

static uint32_t shape_of_report;
static bool report_waives;

static int note_shape(struct server *o, const struct queue_transmission *t,
                      const struct recipient *recipient, struct arena *a,
                      struct relay_result *ret) {
    if (slice_starts(recipient->address, S("kiku"))) {
        shape_of_report = t->message.envelope->shape;
        report_waives =
            slice_find(t->message.body->bytes, S("\r\nTLS-Required: No\r\nAuto-Submitted: ")) > 0;
    }
    return by_name(o, t, recipient, a, ret);
}

SERVER_TEST(rfc8689_5_a_report_goes_as_secretly_as_the_message_was_to) {
    static const uint32_t wishes[] = {SHAPE_REQUIRE_TLS, SHAPE_TLS_WAIVED, 0};
    struct recipient to = {.address = S("refused@away.test")};
    struct problem problem;
    o->transmit = note_shape;
    for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
        struct queue_message message = {
            .id = queue_id_next(&o->ids, fiber_wall()),
            .envelope.reverse_path = S("kiku@away.test"),
            .envelope.recipients = &to,
            .envelope.count = 1,
            .envelope.shape = wishes[i],
            .envelope.origin = QUEUE_FROM_USER,
            .bytes = slice_of_str(SERVER_MESSAGE),
        };
        shape_of_report = UINT32_MAX;
        assert_int_equal(queue_submit(o->queue, &message, &problem), 0);
        server_wait(o, USEC_MIN);
        assert_int_equal(shape_of_report, wishes[i]);
        assert_int_equal(report_waives, wishes[i] == SHAPE_TLS_WAIVED);
    }
}

/* RFC 3461 §4.3 */
SERVER_TEST(ret_hdrs_returns_the_header_only) {
    struct slice parts[4];
    send_with(o, RETURN_HEADERS, slice_of_str(SERVER_MESSAGE), "");
    cut_parts(server_report(o, 0), parts);
    assert_int_equal(occurs(parts[3], "Content-Type: text/rfc822-headers"), 1);
    assert_int_equal(occurs(parts[3], "Subject: test\r\n"), 1);
    assert_int_equal(occurs(parts[3], "Hello."), 0);
}

static struct slice message_of_size(struct server *o, size_t size) {
    _cleanup_(buf_done) struct buf bytes = {0};
    buf_add_str(&bytes, SERVER_MESSAGE);
    while (bytes.len < size)
        buf_add_str(&bytes, "The quick brown fox jumps over the lazy dog, again and again.\r\n");
    return arena_copy(&o->memory, slice_first(buf_slice(&bytes), size));
}

/* the default: above 100 KB the header only, whatever the sender asked for. */
SERVER_TEST(messages_above_100_kib_return_as_their_header) {
    struct slice parts[4];
    send_with(o, RETURN_FULL, message_of_size(o, (100U << 10) + 1), "");
    cut_parts(server_report(o, 0), parts);
    assert_int_equal(occurs(parts[3], "Content-Type: text/rfc822-headers"), 1);
    assert_int_equal(occurs(parts[3], "lazy dog"), 0);
}

SERVER_TEST(messages_of_100_kib_return_whole) {
    struct slice parts[4];
    send_with(o, RETURN_UNSAID, message_of_size(o, 100U << 10), "");
    cut_parts(server_report(o, 0), parts);
    assert_int_equal(occurs(parts[3], "Content-Type: message/rfc822\r\n"), 1);
    assert_true(occurs(parts[3], "lazy dog") > 1600);
}

/* A report that is too large for a call between processes lies in a file like other messages. */
SERVER_TEST(large_report_arrives_whole) {
    struct slice parts[4];
    o->options.returned_max = 2U << 20;
    server_reopen(o);
    send_with(o, RETURN_FULL, message_of_size(o, 1U << 20), "");
    cut_parts(server_report(o, 0), parts);
    assert_int_equal(occurs(parts[3], "Content-Type: message/rfc822\r\n"), 1);
    assert_true(parts[3].len > (1U << 20));
}

/* ------------------------------------------------------------------ being one report */

static int slow_elsewhere(struct server *o, const struct queue_transmission *t,
                          struct relay_outcome *outcome) {
    (void)outcome;
    return fiber_sleep(slice_eq(t->domain, S("slow.test")) ? o->number * USEC_SEC : USEC_SEC);
}

SERVER_TEST(failures_wait_a_while_for_others) {
    o->begin = slow_elsewhere;
    o->transmit = by_name;
    o->number = 20;
    server_send(o, "tama@here.test", "refused@away.test refused@slow.test");
    server_wait(o, 19 * USEC_SEC);
    assert_int_equal(server_reports(o), 0);
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Action: failed\r\n"), 2);
}

SERVER_TEST(failures_do_not_wait_for_ever) {
    o->begin = slow_elsewhere;
    o->transmit = by_name;
    o->number = 600;
    server_send(o, "tama@here.test", "refused@away.test refused@slow.test");
    server_wait(o, 32 * USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    server_wait(o, 10 * USEC_MIN);
    assert_int_equal(server_reports(o), 2);
    assert_int_equal(occurs(server_report(o, 1), "Action: failed\r\n"), 1);
    assert_int_equal(server_messages(o), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notify_decides_what_senders_are_told),
        cmocka_unit_test(test_messages_without_sender_cause_no_reports),
        cmocka_unit_test(test_notify_goes_on_to_other_hosts),
        cmocka_unit_test(test_report_that_cannot_be_delivered_is_given_up),
        cmocka_unit_test(test_different_results_of_one_attempt_share_a_report),
        cmocka_unit_test(test_report_has_the_fields_of_rfc_3464),
        cmocka_unit_test(test_rfc8689_5_a_report_goes_as_secretly_as_the_message_was_to),
        cmocka_unit_test(test_ret_hdrs_returns_the_header_only),
        cmocka_unit_test(test_messages_above_100_kib_return_as_their_header),
        cmocka_unit_test(test_messages_of_100_kib_return_whole),
        cmocka_unit_test(test_large_report_arrives_whole),
        cmocka_unit_test(test_failures_wait_a_while_for_others),
        cmocka_unit_test(test_failures_do_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
