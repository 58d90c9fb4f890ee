/* SPDX-License-Identifier: ISC */
#include "policy/sts_policy.h"

#include "policy/sts_record.h"
#include "unit.h"

/* ------------------------------------------------------------------ the TXT record */

static int find(const char *const *texts, enum dns_code code, struct slice *ret) {
    struct dns_record records[4] = {0};
    struct dns_answer answer = {.code = code, .records = records};
    while (texts && texts[answer.count]) {
        records[answer.count].bytes = slice_of_str(texts[answer.count]);
        answer.count++;
    }
    return sts_record_find(&answer, ret);
}

static void test_record_rfc8461_3_1(void **state) {
    static const struct {
        const char *texts[4], *id;
        int error;
    } rows[] = {
        {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z", 0},
        {{"v=STSv1;id=1"}, "1", 0},
        {{"v=STSv1 ; id = a1 ; x=y"}, "a1", 0},
        {{"v=STSv1; ext-1.x_y=z; id=7; id=8"}, "7", 0}, /* the first of one that stands twice */
        {{"v=spf1 -all", "v=STSv1; id=5"}, "5", 0},     /* others do not count */
        {{"v=STSv10; id=5"}, NULL, -E_UNKNOWN},
        {{"V=STSv1; id=5"}, NULL, -E_UNKNOWN},
        {{"v=STSv1"}, NULL, -E_UNKNOWN},
        {{"id=5; v=STSv1"}, NULL, -E_UNKNOWN},
        {{"v=STSv1;"}, NULL, -E_SYNTAX},
        {{"v=STSv1; id="}, NULL, -E_SYNTAX},
        {{"v=STSv1; id=a-b"}, NULL, -E_SYNTAX},
        {{"v=STSv1; id=123456789012345678901234567890123"}, NULL, -E_SYNTAX},
        {{"v=STSv1; id=1", "v=STSv1; id=1"}, NULL, -E_SYNTAX}, /* not exactly one */
        {{NULL}, NULL, -E_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice id = {0};
        int r = find(rows[i].texts, DNS_OK, &id);
        if (r != rows[i].error || (r == 0 && !slice_eq(id, slice_of_str(rows[i].id))))
            fail_msg("%s: %d, \"%.*s\"", rows[i].texts[0], r, SLICE_ARG(id));
    }
}

static void test_dns_that_fails_says_nothing_of_a_policy(void **state) {
    struct slice id;
    (void)state;
    assert_int_equal(find(NULL, DNS_NXDOMAIN, &id), -E_UNKNOWN);
    assert_int_equal(find(NULL, DNS_NODATA, &id), -E_UNKNOWN);
    assert_int_equal(find(NULL, DNS_SERVFAIL, &id), -E_TEMPORARY);
    assert_int_equal(find(NULL, DNS_TIMEOUT, &id), -E_TEMPORARY);
    assert_int_equal(find(NULL, DNS_BOGUS, &id), -E_TEMPORARY);
}

/* ------------------------------------------------------------------ the policy */

#define HEAD "version: STSv1\nmode: enforce\nmax_age: 604800\n"

static void test_policy_of_the_rfc_8461_3_2(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct sts_policy p;
    (void)state;
    assert_int_equal(sts_policy_read(S("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
                                       "mx: *.Example.net\r\nmx: backupmx.example.com.\r\n"
                                       "max_age: 604800\r\n"),
                                     &a, &p, NULL),
                     0);
    assert_int_equal(p.mode, STS_ENFORCE);
    assert_int_equal(p.max_age, 604800);
    assert_int_equal(p.mx_count, 3);
    assert_slice(p.mx[1], "*.example.net");
    assert_slice(p.mx[2], "backupmx.example.com");
}

static void test_what_is_a_policy_rfc8461_3_2(void **state) {
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {HEAD "mx: a.example", 0},
        {HEAD "mx: a.example\n", 0},
        {HEAD "\n\r\nmx:a.example\n\n", 0}, /* empty lines, no blank */
        {"max_age: 1\nmx: a.example\nmode: testing\nversion: STSv1\n", 0}, /* any order */
        {HEAD "mx: a.example\nmode: none\nx-more.1_2: what: ever\n", 0},   /* twice, unknown */
        {"version: STSv1\nmode: none\nmax_age: 86400\n", 0},               /* none needs no mx */
        {"version: STSv1\nmode: none\nmax_age: 9999999999\n", 0},
        {"", -E_SYNTAX},
        {HEAD, -E_SYNTAX},
        {HEAD "mx: a..example\n", -E_SYNTAX},
        {HEAD "mx: *\n", -E_SYNTAX},
        {HEAD "mx: *.*.example\n", -E_SYNTAX},
        {HEAD "mx: a.*.example\n", -E_SYNTAX},
        {HEAD "mx: \n", -E_SYNTAX},
        {HEAD "mx: .\n", -E_SYNTAX},
        {HEAD "mx: [192.0.2.1]\n", -E_SYNTAX},
        {HEAD "mx a.example\n", -E_SYNTAX},
        {HEAD ": a.example\n", -E_SYNTAX},
        {"<html>\n" HEAD "mx: a.example\n", -E_SYNTAX},
        {"version: STSv2\nmode: none\nmax_age: 1\n", -E_SYNTAX},
        {"version: STSv1\nmode: Enforce\nmax_age: 1\nmx: a.example\n", -E_SYNTAX},
        {"version: STSv1\nmode: none\nmax_age: -1\n", -E_SYNTAX},
        {"version: STSv1\nmode: none\nmax_age: 99999999999\n", -E_SYNTAX},
        {"version: STSv1\nmode: none\nmax_age:\n", -E_SYNTAX},
        {"version: STSv1\nmode: none\n", -E_SYNTAX},
        {"mode: none\nmax_age: 1\n", -E_SYNTAX},
        {"version: STSv1\nmax_age: 1\n", -E_SYNTAX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct sts_policy p;
        struct problem problem = {{0}};
        int r = sts_policy_read(slice_of_str(rows[i].text), &a, &p, &problem);
        if (r != rows[i].error || (r < 0) != (problem.text[0] != 0))
            fail_msg("%s: %d, \"%s\"", rows[i].text, r, problem.text);
        if (r == 0)
            assert_true(p.max_age <= STS_MAX_AGE_MAX);
    }
}

static void test_bounds_of_a_policy(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct sts_policy p;
    (void)state;
    buf_add_str(&text, HEAD);
    for (unsigned i = 0; i < STS_MX_MAX; i++)
        buf_printf(&text, "mx: mx%u.example\n", i);
    assert_int_equal(sts_policy_read(buf_slice(&text), &a, &p, NULL), 0);
    buf_add_str(&text, "mx: one-more.example\n");
    assert_int_equal(sts_policy_read(buf_slice(&text), &a, &p, NULL), -E_LIMIT);
    buf_clear(&text);
    buf_add_str(&text, HEAD "mx: a.example\n");
    while (text.len < STS_POLICY_MAX)
        buf_add_byte(&text, '\n');
    assert_int_equal(sts_policy_read(buf_slice(&text), &a, &p, NULL), 0);
    buf_add_byte(&text, '\n');
    assert_int_equal(sts_policy_read(buf_slice(&text), &a, &p, NULL), -E_LIMIT);
}

static void test_which_hosts_it_has_rfc8461_4_1(void **state) {
    static const struct {
        const char *host;
        bool has;
    } rows[] = {
        {"mail.example.com", true},    {"MAIL.example.COM.", true},
        {"x.example.net", true},       {"y.x.example.net", false},
        {"example.net", false},        {".example.net", false},
        {"xexample.net", false},       {"example.com", false},
        {"a.mail.example.com", false}, {"mail.example.com.evil.test", false},
        {"*.example.net", true},       {"", false},
        {"mail.example.com..", false}, {"net", false},
    };
    _cleanup_(arena_done) struct arena a = {0};
    struct sts_policy p;
    (void)state;
    assert_int_equal(
        sts_policy_read(S(HEAD "mx: mail.example.com\nmx: *.example.net\n"), &a, &p, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (sts_policy_has(&p, slice_of_str(rows[i].host)) != rows[i].has)
            fail_msg("%s", rows[i].host);
}

static void test_what_is_written_is_read_as_the_same(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct sts_policy p;
    (void)state;
    assert_int_equal(
        sts_policy_read(S("mode: testing\nmx: A.example\nversion: STSv1\nmx: *.b.example\n"
                          "max_age: 77\n"),
                        &a, &p, NULL),
        0);
    sts_policy_write(&text, &p);
    assert_slice(buf_slice(&text), "version: STSv1\nmode: testing\nmax_age: 77\nmx: a.example\n"
                                   "mx: *.b.example\n");
    assert_int_equal(sts_policy_read(buf_slice(&text), &a, &p, NULL), 0);
    assert_int_equal(p.mx_count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_rfc8461_3_1),
        cmocka_unit_test(test_dns_that_fails_says_nothing_of_a_policy),
        cmocka_unit_test(test_policy_of_the_rfc_8461_3_2),
        cmocka_unit_test(test_what_is_a_policy_rfc8461_3_2),
        cmocka_unit_test(test_bounds_of_a_policy),
        cmocka_unit_test(test_which_hosts_it_has_rfc8461_4_1),
        cmocka_unit_test(test_what_is_written_is_read_as_the_same),
    };
    return cmocka_run_group_tests_name("sts_policy", tests, NULL, NULL);
}
