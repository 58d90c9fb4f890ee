/* SPDX-License-Identifier: ISC */
#include "policy/tlsrpt_record.h"

#include "base/error.h"
#include "unit.h"

static int find(const char *const *texts, enum dns_code code, struct slice *ret) {
    struct dns_record records[4] = {0};
    struct dns_answer answer = {.code = code, .records = records};
    while (texts && texts[answer.count]) {
        records[answer.count].bytes = slice_of_str(texts[answer.count]);
        answer.count++;
    }
    return tlsrpt_record_find(&answer, ret);
}

static void test_record_rfc8460_3(void **state) {
    static const struct {
        const char *texts[4], *rua;
        int error;
    } rows[] = {
        {{"v=TLSRPTv1; rua=mailto:reports@example.com"}, "mailto:reports@example.com", 0},
        {{"v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt;"},
         "https://reporting.example.com/v1/tlsrpt",
         0},
        {{"other", "v=TLSRPTv1; x=1; rua=a,b; rua=c"}, "a,b", 0},
        {{"v=TLSRPTv1"}, NULL, -E_UNKNOWN},
        {{"v=tlsrptv1; rua=mailto:a@b"}, NULL, -E_UNKNOWN},
        {{"v=TLSRPTv1;"}, NULL, -E_SYNTAX},
        {{"v=TLSRPTv1; rua="}, NULL, -E_SYNTAX},
        {{"v=TLSRPTv1; rua=mailto:a@b", "v=TLSRPTv1; rua=mailto:a@b"}, NULL, -E_SYNTAX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice rua = {0};
        int r = find(rows[i].texts, DNS_OK, &rua);
        if (r != rows[i].error || (r == 0 && !slice_eq(rua, slice_of_str(rows[i].rua))))
            fail_msg("%s: %d, \"%.*s\"", rows[i].texts[0], r, SLICE_ARG(rua));
    }
    struct slice rua;
    assert_int_equal(find(NULL, DNS_NXDOMAIN, &rua), -E_UNKNOWN);
    assert_int_equal(find(NULL, DNS_SERVFAIL, &rua), -E_TEMPORARY);
}

static void test_destinations_rfc8460_3(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice rua = S("mailto:tls%2Creports@example.com?subject=x , ftp://example.com/,"
                         "HTTPS://example.net/in,mailto:nobody,mailto:@x,mailto:a%0d%0a@b,https://,"
                         "mailto:b@example.org");
    struct slice got;
    enum tlsrpt_way way;
    (void)state;
    assert_true(tlsrpt_next_destination(&rua, &a, &way, &got));
    assert_int_equal(way, TLSRPT_MAIL);
    assert_slice(got, "tls,reports@example.com");
    assert_true(tlsrpt_next_destination(&rua, &a, &way, &got));
    assert_int_equal(way, TLSRPT_HTTPS);
    assert_slice(got, "HTTPS://example.net/in");
    assert_true(tlsrpt_next_destination(&rua, &a, &way, &got));
    assert_int_equal(way, TLSRPT_MAIL);
    assert_slice(got, "b@example.org");
    assert_false(tlsrpt_next_destination(&rua, &a, &way, &got));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_rfc8460_3),
        cmocka_unit_test(test_destinations_rfc8460_3),
    };
    return cmocka_run_group_tests_name("tlsrpt_record", tests, NULL, NULL);
}
