/* SPDX-License-Identifier: ISC */
#include "reports/tls_tally.h"

#include <stdio.h>

#include "reports/tls_mail.h"
#include "unit.h"

#define DAY (TEST_WALL / USEC_DAY * USEC_DAY)

static void add(struct tls_tally *t, const char *domain, usec_t at, const char *policy,
                const char *result, const char *host) {
    struct tls_session s = {.policy = slice_of_str(policy),
                            .strings = slice_eq(slice_of_str(policy), S("sts"))
                                           ? S("version: STSv1\nmode: enforce\nmx: *.y.example\n")
                                           : S(""),
                            .result = slice_of_str(result),
                            .host = slice_of_str(host),
                            .address = S("192.0.2.1"),
                            .reason = S("why")};
    tls_tally_add(t, slice_of_str(domain), at, &s);
}

static void test_a_day_is_reported_when_it_is_over_and_once(void **state) {
    _cleanup_(tls_tally_free_p) struct tls_tally *t = tls_tally_new();
    _cleanup_(arena_done) struct arena a = {0};
    struct tlsrpt_report r;
    struct slice domain;
    (void)state;
    add(t, "Y.example", DAY, "sts", "", "mx.y.example");
    add(t, "y.example", DAY + USEC_HOUR, "sts", "", "mx.y.example");
    add(t, "y.example", DAY + USEC_HOUR, "sts", "certificate-expired", "mx2.y.example");
    add(t, "y.example", DAY + USEC_DAY - 1, "sts", "certificate-expired", "mx2.y.example");
    add(t, "y.example", DAY + 1, "no-policy-found", "", "mx.y.example");
    add(t, "y.example", DAY + USEC_DAY, "sts", "", "mx.y.example");
    assert_false(tls_tally_take(t, DAY + USEC_DAY - 1, &a, &domain, &r));
    assert_true(tls_tally_take(t, DAY + USEC_DAY, &a, &domain, &r));
    assert_slice(domain, "y.example");
    assert_int_equal(r.begin, DAY);
    assert_int_equal(r.end, DAY + USEC_DAY - USEC_SEC);
    const struct tlsrpt_policy *p = r.policies;
    assert_slice(p->type, "sts");
    assert_int_equal(p->string_count, 3);
    assert_int_equal(p->mx_count, 1);
    assert_slice(p->mx[0], "*.y.example");
    assert_int_equal(p->succeeded, 2);
    assert_int_equal(p->failed, 2);
    assert_slice(p->failures->type, "certificate-expired");
    assert_int_equal(p->failures->sessions, 2);
    assert_null(p->failures->next);
    assert_slice(p->next->type, "no-policy-found");
    assert_null(p->next->next);
    assert_false(tls_tally_take(t, DAY + USEC_DAY, &a, &domain, &r));
    assert_true(tls_tally_take(t, DAY + 2 * USEC_DAY, &a, &domain, &r));
}

static void test_what_is_counted_is_bounded(void **state) {
    _cleanup_(tls_tally_free_p) struct tls_tally *t = tls_tally_new();
    _cleanup_(arena_done) struct arena a = {0};
    struct tlsrpt_report r;
    struct slice domain;
    char name[64];
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "mx%u.y.example", i);
        add(t, "y.example", DAY, "tlsa", "validation-failure", name);
    }
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "policy%u", i);
        add(t, "y.example", DAY, name, "", "mx.y.example");
    }
    assert_true(tls_tally_take(t, DAY + USEC_DAY, &a, &domain, &r));
    unsigned failures = 0, policies = 0;
    assert_int_equal(r.policies->failed, 200);
    for (const struct tlsrpt_failure *f = r.policies->failures; f; f = f->next)
        failures++;
    for (const struct tlsrpt_policy *p = r.policies; p; p = p->next)
        policies++;
    assert_int_equal(failures, TLS_TALLY_FAILURES);
    assert_int_equal(policies, TLS_TALLY_POLICIES);
    unsigned domains = 0;
    for (unsigned i = 0; i < TLS_TALLY_DOMAINS + 10; i++) {
        (void)snprintf(name, sizeof name, "d%u.example", i);
        add(t, name, DAY, "tlsa", "", "mx.y.example");
    }
    while (tls_tally_take(t, DAY + USEC_DAY, &a, &domain, &r))
        domains++;
    assert_int_equal(domains, TLS_TALLY_DOMAINS);
}

/* ------------------------------------------------------------------ the message */

static void on_report(void *arg, const struct tlsrpt_report *r) {
    assert_slice(r->id, "1@mx.example");
    assert_slice(r->policies->domain, "y.example");
    assert_int_equal(r->policies->succeeded, 1);
    ++*(unsigned *)arg;
}

static void on_bad(void *arg, const struct problem *problem) {
    (void)arg;
    fail_msg("%s", problem->text);
}

static void test_the_message_rfc8460_5_3(void **state) {
    static const struct tlsrpt_sink sink = {on_report, on_bad};
    static const char *const lines[] = {
        "\r\nSubject: Report Domain: y.example Submitter: mx.example Report-ID:\r\n",
        "\r\n <1@mx.example>\r\n",
        "\r\nTLS-Report-Domain: y.example\r\n",
        "\r\nTLS-Report-Submitter: mx.example\r\n",
        "\r\nTLS-Required: No\r\n", /* RFC 8689 §5 */
        "\r\nContent-Type: multipart/report; report-type=\"tlsrpt\";\r\n",
        "\r\nContent-Type: application/tlsrpt+gzip\r\n",
    };
    _cleanup_(tls_tally_free_p) struct tls_tally *t = tls_tally_new();
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf packed = {0}, text = {0};
    struct tlsrpt_report r;
    struct slice domain;
    unsigned found = 0;
    (void)state;
    add(t, "y.example", DAY, "sts", "", "mx.y.example");
    assert_true(tls_tally_take(t, DAY + USEC_DAY, &a, &domain, &r));
    r.id = S("1@mx.example");
    assert_int_equal(tls_mail_pack(&r, &packed), 0);
    struct tls_mail mail = {.report = &r,
                            .packed = buf_slice(&packed),
                            .domain = domain,
                            .host = S("mx.example"),
                            .to = S("tls@y.example"),
                            .date = DAY + USEC_DAY,
                            .message_id = S("<2@mx.example>")};
    tls_mail_write(&text, &mail);
    struct slice header =
        slice_first(buf_slice(&text), (size_t)slice_find(buf_slice(&text), S("\r\n\r\n")) + 2);
    assert_true(slice_find(header, S("To: <tls@y.example>\r\n")) >= 0 ||
                slice_find(header, S("To: tls@y.example\r\n")) >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        if (slice_find(buf_slice(&text), slice_of_str(lines[i])) < 0)
            fail_msg("no %s in\n%.*s", lines[i], SLICE_ARG(buf_slice(&text)));
    tlsrpt_read_all(buf_slice(&text), &sink, &found);
    assert_int_equal(found, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_is_reported_when_it_is_over_and_once),
        cmocka_unit_test(test_what_is_counted_is_bounded),
        cmocka_unit_test(test_the_message_rfc8460_5_3),
    };
    return cmocka_run_group_tests_name("tls_tally", tests, NULL, NULL);
}
