/* SPDX-License-Identifier: ISC */
#include "reports/tlsrpt.h"

#include <zlib.h>

#include "unit.h"

/* In the shape of RFC 8460 §4.4. */
#define USUAL                                                                                      \
    "{\"organization-name\":\"Company-X\",\"date-range\":{\"start-datetime\":\"2026-04-01T00:00:"  \
    "00Z\",\"end-datetime\":\"2026-04-02T08:59:59+09:00\"},\"contact-info\":\"sts@x.example\","    \
    "\"report-id\":\"5065\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":" \
    "[\"version: STSv1\",\"mode: testing\"],\"policy-domain\":\"Company-Y.example\",\"mx-host\":"  \
    "\"*.mail.y.example\"},\"summary\":{\"total-successful-session-count\":5326,\"total-failure-"  \
    "session-count\":303},\"failure-details\":[{\"result-type\":\"certificate-expired\","          \
    "\"sending-mta-ip\":\"2001:0DB8::1\",\"receiving-mx-hostname\":\"mx1.y.example\",\"failed-"    \
    "session-count\":100},{\"result-type\":\"validation-failure\",\"receiving-ip\":"               \
    "\"203.0.113.56\",\"failed-session-count\":203,\"failure-reason-code\":\"X509_V_ERR\","        \
    "\"additional-information\":\"https://x.example/\"}]}]}"

static void test_report_of_the_rfc_8460_4_4(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct tlsrpt_report r;
    (void)state;
    assert_int_equal(tlsrpt_read(S(USUAL), &a, &r, NULL), 0);
    assert_slice(r.organization, "Company-X");
    assert_slice(r.contact, "sts@x.example");
    assert_slice(r.id, "5065");
    assert_int_equal(r.begin, 1775001600 * USEC_SEC); /* 2026-04-01T00:00:00Z */
    assert_int_equal(r.end, (1775001600 + 86399) * USEC_SEC);
    const struct tlsrpt_policy *p = r.policies;
    assert_null(p->next);
    assert_slice(p->type, "sts");
    assert_slice(p->domain, "company-y.example");
    assert_int_equal(p->string_count, 2);
    assert_int_equal(p->mx_count, 1);
    assert_int_equal(p->succeeded, 5326);
    assert_int_equal(p->failed, 303);
    assert_slice(p->failures->type, "certificate-expired");
    assert_slice(p->failures->sending_ip, "2001:db8::1");
    assert_int_equal(p->failures->sessions, 100);
    assert_slice(p->failures->next->reason, "X509_V_ERR");
    assert_null(p->failures->next->next);
}

static void test_what_is_written_is_read_as_the_same(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0}, again = {0};
    struct tlsrpt_report r;
    (void)state;
    assert_int_equal(tlsrpt_read(S(USUAL), &a, &r, NULL), 0);
    tlsrpt_write(&text, &r);
    assert_int_equal(tlsrpt_read(buf_slice(&text), &a, &r, NULL), 0);
    tlsrpt_write(&again, &r);
    assert_slice(buf_slice(&again), buf_str(&text));
    assert_true(slice_find(buf_slice(&text), S("\"end-datetime\":\"2026-04-01T23:59:59Z\"")) > 0);
}

static void test_reports_as_they_come(void **state) {
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {"\xef\xbb\xbf\r\n {\"policies\":[]}\n", 0},
        {"{\"policies\":[{\"policy\":{\"policy-type\":\"no-policy-found\"}}]}", 0},
        {"{\"policies\":[{\"policy\":{\"mx-host\":[\"a\",7]}, \"summary\":{\"total-failure-session-"
         "count\":\"many\"},\"failure-details\":null}]}",
         0},
        {"{\"policies\":[{\"policy\":{},\"summary\":{\"total-failure-session-count\":-1}}],\"date-"
         "range\":{\"start-datetime\":\"2026-02-30T00:00:00Z\"}}",
         0},
        {"{}", -E_SYNTAX},
        {"[]", -E_SYNTAX},
        {"{\"policies\":{}}", -E_SYNTAX},
        {"{\"policies\":[]", -E_SYNTAX},
        {"", -E_SYNTAX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct tlsrpt_report r;
        struct problem problem = {{0}};
        int got = tlsrpt_read(slice_of_str(rows[i].text), &a, &r, &problem);
        if (got != rows[i].error || (got < 0) != (problem.text[0] != 0))
            fail_msg("%s: %d, \"%s\"", rows[i].text, got, problem.text);
        for (const struct tlsrpt_policy *p = got == 0 ? r.policies : NULL; p; p = p->next)
            assert_int_equal(p->failed, 0);
        if (got == 0)
            assert_int_equal(r.begin, 0);
    }
}

static struct slice gzip(struct arena *a, struct slice text) {
    z_stream z = {0};
    size_t size = text.len + 1000;
    char *to = arena_alloc(a, size);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)text.ptr;
    z.avail_in = (unsigned)text.len;
    z.next_out = (unsigned char *)to;
    z.avail_out = (unsigned)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct slice packed = slice_of(to, z.total_out);
    (void)deflateEnd(&z);
    return packed;
}

static void test_gzip_is_read_and_a_bomb_is_not_rfc8460_5_3(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct tlsrpt_report r;
    (void)state;
    assert_int_equal(tlsrpt_read(gzip(&a, S(USUAL)), &a, &r, NULL), 0);
    assert_slice(r.id, "5065");
    char *zeros = arena_alloc(&a, 64U << 20);
    memset(zeros, ' ', 64U << 20);
    struct slice bomb = gzip(&a, slice_of(zeros, 64U << 20));
    assert_int_equal(tlsrpt_read(bomb, &a, &r, NULL), -E_LIMIT);
}

static void test_a_million_rows_are_too_many(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct tlsrpt_report r;
    (void)state;
    buf_add_str(&text, "{\"policies\":[");
    for (unsigned i = 0; i < 1000000; i++)
        buf_add_str(&text, "{},");
    buf_add_str(&text, "{}]}");
    assert_int_equal(tlsrpt_read(buf_slice(&text), &a, &r, NULL), -E_LIMIT);
    buf_clear(&text);
    buf_add_str(&text, "{\"policies\":");
    for (unsigned i = 0; i < 100000; i++)
        buf_add_byte(&text, '[');
    assert_true(tlsrpt_read(buf_slice(&text), &a, &r, NULL) < 0);
}

/* ------------------------------------------------------------------ messages */

struct found {
    unsigned reports, bad;
};

static void on_report(void *arg, const struct tlsrpt_report *report) {
    (void)report;
    ((struct found *)arg)->reports++;
}

static void on_bad(void *arg, const struct problem *problem) {
    assert_true(problem->text[0] != '\0');
    ((struct found *)arg)->bad++;
}

static struct found read_all(const char *text) {
    static const struct tlsrpt_sink sink = {on_report, on_bad};
    struct found f = {0};
    tlsrpt_read_all(slice_of_str(text), &sink, &f);
    return f;
}

static void test_reports_in_a_message_rfc8460_5_3(void **state) {
    struct found f;
    (void)state;
    f = read_all("From: a@x.example\r\nContent-Type: multipart/report; report-type=\"tlsrpt\"; "
                 "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\n"
                 "Content-Type: application/tlsrpt+json\r\n\r\n" USUAL "\r\n--b\r\n"
                 "Content-Type: application/tlsrpt+json\r\n\r\n{\"policies\":\r\n--b--\r\n");
    assert_int_equal(f.reports, 1);
    assert_int_equal(f.bad, 1);
    f = read_all("From: a@x.example\r\n\r\nHello\r\n");
    assert_int_equal(f.reports, 0);
    assert_int_equal(f.bad, 1);
    f = read_all(USUAL);
    assert_int_equal(f.reports, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_of_the_rfc_8460_4_4),
        cmocka_unit_test(test_what_is_written_is_read_as_the_same),
        cmocka_unit_test(test_reports_as_they_come),
        cmocka_unit_test(test_gzip_is_read_and_a_bomb_is_not_rfc8460_5_3),
        cmocka_unit_test(test_a_million_rows_are_too_many),
        cmocka_unit_test(test_reports_in_a_message_rfc8460_5_3),
    };
    return cmocka_run_group_tests_name("tlsrpt", tests, NULL, NULL);
}
