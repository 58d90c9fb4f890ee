/* SPDX-License-Identifier: ISC */
#include "reports/read.h"

#include "base/encode.h"
#include "made.h"
#include "message/write/encode.h"
#include "unit.h"

#define XML(domain)                                                                                \
    "<?xml version=\"1.0\"?><feedback><policy_published><domain>" domain                           \
    "</domain></policy_published></feedback>"

/* "aggregate one.test; bad no report; ..." in order. */
static void add(struct buf *told, const char *kind, struct slice text) {
    buf_printf(told, "%s %.*s; ", kind, SLICE_ARG(text));
}
static void on_aggregate(void *arg, const struct aggregate_report *r) {
    add(arg, "aggregate", r->domain);
}
static void on_failure(void *arg, const struct failure_report *r) {
    buf_printf(arg, "failure %.*s %.*s %.*s %.*s %.*s %.*s %lld %llu; ", SLICE_ARG(r->domain),
               SLICE_ARG(r->source), SLICE_ARG(r->failure), SLICE_ARG(r->result),
               SLICE_ARG(r->reporter), SLICE_ARG(r->subject), (long long)(r->arrival / USEC_SEC),
               (unsigned long long)r->incidents);
}
static void on_bad(void *arg, const struct problem *p) {
    add(arg, "bad", slice_of_str(p->text));
}

static void assert_told(struct slice bytes, const char *expected) {
    static const struct report_sink sink = {on_aggregate, on_failure, on_bad};
    static const struct aggregate_limits limits = AGGREGATE_LIMITS_DEFAULT;
    struct buf told = {0};
    report_read(bytes, &limits, &sink, &told);
    assert_string_equal(buf_str(&told), expected);
    buf_done(&told);
}

static void test_a_report_by_itself(void **state UNUSED) {
    struct buf gzip = {0}, zip = {0}, list = {0};
    deflate_to(&gzip, S(XML("one.test")), 31);
    zip_add(&zip, &list, S("r.xml"), S(XML("one.test")), 8, 0);
    zip_end(&zip, &list, 1, S(""));
    assert_told(S(XML("one.test")), "aggregate one.test; ");
    assert_told(S("\xef\xbb\xbf\r\n" XML("one.test")), "aggregate one.test; ");
    assert_told(buf_slice(&gzip), "aggregate one.test; ");
    assert_told(buf_slice(&zip), "aggregate one.test; ");
    assert_told(S(""), "bad there is no report in it; ");
    buf_done(&gzip);
    buf_done(&zip);
}

/* RFC 9990 §3.5.2 names no structure, and types lie: gzip as zip, as octet-stream, as a text. */
static void test_what_a_part_is_its_bytes_say(void **state UNUSED) {
    static const char *const types[] = {"application/gzip",         "application/zip", "text/plain",
                                        "application/octet-stream", "image/png",       "rubbish"};
    struct buf gzip = {0};
    deflate_to(&gzip, S(XML("one.test")), 31);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        struct buf message = {0};
        buf_printf(&message,
                   "From: a@b.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
                   "boundary=x\r\n\r\n--x\r\n\r\n<a@b.test> sends a report\r\n--x\r\nContent-Type: "
                   "%s\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                   types[i]);
        encode_base64_body(&message, buf_slice(&gzip));
        buf_add_str(&message, "--x--\r\n");
        assert_told(buf_slice(&message), "aggregate one.test; ");
        buf_done(&message);
    }
    buf_done(&gzip);
}

static void test_a_message_that_is_the_report(void **state UNUSED) {
    assert_told(S("Subject: x\nContent-Type: text/xml\n\n" XML("one.test")),
                "aggregate one.test; ");
    assert_told(S("Subject: x\n\n" XML("one.test") "\n"), "aggregate one.test; ");
    assert_told(S("Subject: x\n\nno report\n"), "bad there is no report in it; ");
    assert_told(S("Content-Type: text/html\n\n<?xml version=\"1.0\"?><html/>"),
                "bad there is no report in it; ");
}

static void test_a_bad_report_hides_no_other(void **state UNUSED) {
    assert_told(
        S("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: "
          "application/gzip\n\n\x1f\x8brubbish\n--x\nContent-Type: text/xml\n\n" XML(
              "one.test") "\n--x\nContent-Type: text/xml\n\n<?xml version=\"1.0\"?><feed"
                          "\n--x\nContent-Type: message/rfc822\n\nContent-Type: text/xml\n\n" XML(
                              "two.test") "\n--x--\n"),
        "bad the compressed file is damaged; aggregate one.test; "
        "bad the XML is damaged in line 1: unclosed token; aggregate two.test; ");
}

#define FAILURE_HEAD                                                                               \
    "Content-Type: multipart/report; report-type=feedback-report; boundary=x\n\n--x\n\n"           \
    "This is an authentication failure report.\n--x\nContent-Type: message/feedback-report\n\n"
#define FAILURE_FIELDS                                                                             \
    "Feedback-Type: auth-failure\nVersion: 1\nUser-Agent: Tom/1\nAuth-Failure: DMARC\n"            \
    "Identity-Alignment: dkim, spf\nReported-Domain: Example.JP\nSource-IP: 2001:DB8::1\n"         \
    "Delivery-Result: reject\nReporting-MTA: dns; mx.tom.test\nIncidents: 5\n"                     \
    "Arrival-Date: Mon, 1 Jun 2026 00:00:10 +0000\n"

static void test_a_failure_report_rfc9991_4(void **state UNUSED) {
    assert_told(S(FAILURE_HEAD FAILURE_FIELDS
                  "\n--x\nContent-Type: message/rfc822\n\nFrom: <a@example.jp>\nSubject: "
                  "hello\nContent-Type: text/xml\n\n" XML("inner.test") "\n--x--\n"),
                "failure example.jp 2001:db8::1 dmarc reject mx.tom.test hello 1780272010 5; ");
    assert_told(S(FAILURE_HEAD FAILURE_FIELDS
                  "\n--x\nContent-Type: text/rfc822-headers\n\nSubject: a\n subject\n--x--\n"),
                "failure example.jp 2001:db8::1 dmarc reject mx.tom.test a subject 1780272010 5; ");
    assert_told(S(FAILURE_HEAD FAILURE_FIELDS "\n--x--\n"),
                "failure example.jp 2001:db8::1 dmarc reject mx.tom.test  1780272010 5; ");
}

static void test_a_failure_report_of_which_much_is_missing(void **state UNUSED) {
    assert_told(S(FAILURE_HEAD "Feedback-Type: auth-failure\nUser-Agent: Tom/1\nSource-IP: ?\n"
                               "Arrival-Date: soon\n\n--x\nContent-Type: message/rfc822\n\n"
                               "From: A <a@One.Test>\n\n--x--\n"),
                "failure one.test ?   Tom/1  0 1; ");
}

static void test_feedback_of_other_kinds_is_none(void **state UNUSED) {
    assert_told(S(FAILURE_HEAD "Feedback-Type: abuse\n\n--x\nContent-Type: message/rfc822\n\n"
                               "From: a@one.test\n\n--x--\n"),
                "bad the feedback report is not about authentication; ");
    assert_told(S(FAILURE_HEAD "\n--x--\n"), "bad the feedback report has no Feedback-Type; ");
}

static void test_reports_in_a_message_are_bounded(void **state UNUSED) {
    struct buf message = {0}, expected = {0};
    buf_add_str(&message, "Content-Type: multipart/mixed; boundary=x\n\n");
    for (int i = 0; i < 60; i++)
        buf_add_str(&message, "--x\nContent-Type: text/xml\n\n" XML("one.test") "\n");
    for (int i = 0; i < 50; i++)
        buf_add_str(&expected, "aggregate one.test; ");
    buf_add_str(&expected, "bad there are more than 50 reports in it; ");
    assert_told(buf_slice(&message), buf_str(&expected));
    buf_done(&message);
    buf_done(&expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_by_itself),
        cmocka_unit_test(test_what_a_part_is_its_bytes_say),
        cmocka_unit_test(test_a_message_that_is_the_report),
        cmocka_unit_test(test_a_bad_report_hides_no_other),
        cmocka_unit_test(test_a_failure_report_rfc9991_4),
        cmocka_unit_test(test_a_failure_report_of_which_much_is_missing),
        cmocka_unit_test(test_feedback_of_other_kinds_is_none),
        cmocka_unit_test(test_reports_in_a_message_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
