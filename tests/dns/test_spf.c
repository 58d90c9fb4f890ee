/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>

#include "dns/fake.h"
#include "dns/spf.h"
#include "fiber/fiber.h"

/* The zone of RFC 7208 appendix A, and records around it. */
static const struct fake_record zone[] = {
    {"example.com", DNS_MX, "10 mail-a.example.com"},
    {"example.com", DNS_MX, "20 mail-b.example.com"},
    {"example.com", DNS_A, "192.0.2.10"},
    {"example.com", DNS_A, "192.0.2.11"},
    {"mail-a.example.com", DNS_A, "192.0.2.129"},
    {"mail-b.example.com", DNS_A, "192.0.2.130"},
    {"example.org", DNS_MX, "10 mail-c.example.org"},
    {"mail-c.example.org", DNS_A, "192.0.2.140"},
    {"mail-c.example.org", DNS_AAAA, "2001:db8::140"},
    {"all.example.com", DNS_TXT, "v=spf1 +all"},
    {"none.example.com", DNS_TXT, "v=spf10 -all"},
    {"two.example.com", DNS_TXT, "v=spf1 mx"},
    {"two.example.com", DNS_TXT, "v=spf1 -all"},
    {"a.example.com", DNS_TXT, "v=spf1 a:example.com -all"},
    {"mx.example.com", DNS_TXT, "v=spf1 mx:example.com/30 mx:example.org/30//64 -all"},
    {"ip.example.com", DNS_TXT, "v=spf1 ip4:192.0.2.128/28 ip6:2001:db8::/32 ~all"},
    {"include.example.com", DNS_TXT, "V=SPF1 Include:ip.example.com include:a.example.com ?ALL"},
    {"redirect.example.com", DNS_TXT, "v=spf1 redirect=ip.example.com"},
    {"nowhere.example.com", DNS_TXT, "v=spf1 include:missing.example.com -all"},
    {"open.example.com", DNS_TXT, "v=spf1 ip4:192.0.2.1"},
    {"loop.example.com", DNS_TXT, "v=spf1 include:loop.example.com -all"},
    {"bad.example.com", DNS_TXT, "v=spf1 ip4:300.0.0.1 -all"},
    {"typo.example.com", DNS_TXT, "v=spf1 mxx -all"},
    {"macro.example.com", DNS_TXT, "v=spf1 exists:%{i}.example.com -all"},
    {"failing.example.com", DNS_TXT, .code = DNS_SERVFAIL},
    {"void.example.com", DNS_TXT, "v=spf1 a:no1.test a:no2.test a:no3.test ip4:192.0.2.1 -all"},
    {0},
};

FIBER_TEST(the_first_mechanism_that_matches_decides_rfc7208_4_6_2) {
    static const struct {
        const char *domain, *addr;
        enum spf_result result;
    } rows[] = {
        {"all.example.com", "198.51.100.1", SPF_PASS},
        {"none.example.com", "198.51.100.1", SPF_NONE},
        {"two.example.com", "192.0.2.1", SPF_PERMERROR},
        {"a.example.com", "192.0.2.11", SPF_PASS},
        {"a.example.com", "192.0.2.12", SPF_FAIL},
        {"a.example.com", "2001:db8::1", SPF_FAIL},
        {"mx.example.com", "192.0.2.131", SPF_PASS},
        {"mx.example.com", "192.0.2.132", SPF_FAIL},
        {"mx.example.com", "192.0.2.143", SPF_PASS},
        {"mx.example.com", "2001:db8::ffff", SPF_PASS},
        {"ip.example.com", "192.0.2.143", SPF_PASS},
        {"ip.example.com", "192.0.2.144", SPF_SOFTFAIL},
        {"ip.example.com", "2001:db8:9::1", SPF_PASS},
        {"include.example.com", "192.0.2.130", SPF_PASS},
        {"include.example.com", "192.0.2.10", SPF_PASS},
        {"include.example.com", "192.0.2.1", SPF_NEUTRAL},
        {"redirect.example.com", "192.0.2.130", SPF_PASS},
        {"nowhere.example.com", "192.0.2.130", SPF_PERMERROR},
        {"open.example.com", "192.0.2.2", SPF_NEUTRAL},
        {"loop.example.com", "192.0.2.2", SPF_PERMERROR},
        {"bad.example.com", "192.0.2.2", SPF_PERMERROR},
        {"typo.example.com", "192.0.2.2", SPF_PERMERROR},
        {"macro.example.com", "192.0.2.2", SPF_UNKNOWN},
        {"failing.example.com", "192.0.2.2", SPF_TEMPERROR},
        {"void.example.com", "192.0.2.1", SPF_PERMERROR},
        {"missing.example.com", "192.0.2.1", SPF_NONE},
    };
    struct fake_dns fake = {.records = zone};
    struct dns_client client = fake_dns_client(&fake);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct net_addr addr;
        struct slice record;
        assert_int_equal(net_parse(slice_of_str(rows[i].addr), 0, &addr), 0);
        if (spf_check(&client, slice_of_str(rows[i].domain), &addr, &a, &record) != rows[i].result)
            fail_msg("%s from %s", rows[i].domain, rows[i].addr);
        assert_int_equal(record.len > 0,
                         rows[i].result != SPF_NONE && rows[i].result != SPF_TEMPERROR);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_mechanism_that_matches_decides_rfc7208_4_6_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
