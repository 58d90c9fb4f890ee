/* SPDX-License-Identifier: ISC */
#include "reports/mail.h"

#include "message/header.h"
#include "reports/read.h"
#include "unit.h"

static void on_aggregate(void *arg, const struct aggregate_report *r) {
    struct buf *told = arg;
    buf_printf(told, "%.*s %lld %.*s %llu", SLICE_ARG(r->domain), (long long)r->end,
               SLICE_ARG(r->rows->source), (unsigned long long)r->rows->count);
}
static void on_failure(void *arg UNUSED, const struct failure_report *r UNUSED) {
    fail();
}
static void on_bad(void *arg UNUSED, const struct problem *p) {
    fail_msg("%s", p->text);
}

static void test_a_report_travels_as_rfc9990_3_5_2_has_it(void **state UNUSED) {
    static const struct report_sink sink = {on_aggregate, on_failure, on_bad};
    static const struct aggregate_limits limits = AGGREGATE_LIMITS_DEFAULT;
    struct aggregate_row row = {
        .source = S("192.0.2.1"), .count = 4, .header_from = S("example.jp")};
    struct aggregate_report report = {.organization = S("Mail of 早馬"),
                                      .id = S("20606.example.jp"),
                                      .begin = 1780358400,
                                      .end = 1780444799,
                                      .domain = S("example.jp"),
                                      .rows = &row,
                                      .row_count = 1};
    struct address from = {.local = S("postmaster"), .domain = S("mx.here.test")},
                   to = {.local = S("d"), .domain = S("example.jp")};
    struct buf xml = {0}, file = {0};
    aggregate_write(&xml, &report);
    report_gzip(&file, buf_slice(&xml));
    struct aggregate_mail mail = {.domain = report.domain,
                                  .id = report.id,
                                  .organization = report.organization,
                                  .begin = report.begin,
                                  .end = report.end,
                                  .file = buf_slice(&file),
                                  .from = &from,
                                  .to = &to,
                                  .host = S("mx.here.test"),
                                  .now = TEST_WALL,
                                  .message_id = S("<1@mx.here.test>"),
                                  .boundary = S("xyz")};
    struct buf message = {0}, told = {0};
    struct arena a = {0};
    struct header_field f;
    aggregate_mail_add(&message, &mail);
    assert_true(header_find(buf_slice(&message), NULL, S("Subject"), 0, &f));
    assert_slice(header_unfold(&a, f.raw), "Report Domain: example.jp Submitter: mx.here.test "
                                           "Report-ID: <20606.example.jp>");
    assert_true(header_find(buf_slice(&message), NULL, S("Auto-Submitted"), 0, &f));
    assert_true(slice_find(buf_slice(&message),
                           S("mx.here.test!example.jp!1780358400!1780444799.xml.gz")) > 0);
    assert_true(slice_find(buf_slice(&message), S("application/gzip")) > 0);
    report_read(buf_slice(&message), &limits, &sink, &told);
    assert_string_equal(buf_str(&told), "example.jp 1780444799 192.0.2.1 4");
    buf_done(&message);
    buf_done(&told);
    buf_done(&xml);
    buf_done(&file);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_travels_as_rfc9990_3_5_2_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
