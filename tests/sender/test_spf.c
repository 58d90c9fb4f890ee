/* SPDX-License-Identifier: ISC */
#include "sender/spf/spf.h"

#include <errno.h>

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "unit.h"

/* The zone of RFC 7208 appendix A, and records around it. */
static const struct fake_record zone[] = {
    {"example.com", DNS_MX, "10 mail-a.example.com"},
    {"example.com", DNS_MX, "20 mail-b.example.com"},
    {"example.com", DNS_A, "192.0.2.10"},
    {"example.com", DNS_A, "192.0.2.11"},
    {"amy.example.com", DNS_A, "192.0.2.65"},
    {"bob.example.com", DNS_A, "192.0.2.66"},
    {"mail-a.example.com", DNS_A, "192.0.2.129"},
    {"mail-b.example.com", DNS_A, "192.0.2.130"},
    {"example.org", DNS_MX, "10 mail-c.example.org"},
    {"mail-c.example.org", DNS_A, "192.0.2.140"},
    {"mail-c.example.org", DNS_AAAA, "2001:db8::140"},
    {"10.2.0.192.in-addr.arpa", DNS_PTR, "example.com"},
    {"65.2.0.192.in-addr.arpa", DNS_PTR, "amy.example.com"},
    {"66.2.0.192.in-addr.arpa", DNS_PTR, "liar.example.net"},
    {"66.2.0.192.in-addr.arpa", DNS_PTR, "bob.example.com"},
    {"67.2.0.192.in-addr.arpa", DNS_PTR, .code = DNS_SERVFAIL},
    {"68.2.0.192.in-addr.arpa", DNS_PTR, "failing.example.com"},
    {"liar.example.net", DNS_A, "198.51.100.9"},
    {"failing.example.com", DNS_A, .code = DNS_TIMEOUT},

    {"all.test.com", DNS_TXT, "v=spf1 +all"},
    {"v10.test.com", DNS_TXT, "v=spf10 -all"},
    {"bare.test.com", DNS_TXT, "v=spf1"},
    {"two.test.com", DNS_TXT, "v=spf1 mx"},
    {"two.test.com", DNS_TXT, "v=spf1 -all"},
    {"other.test.com", DNS_TXT, "some=other text"},
    {"other.test.com", DNS_TXT, "V=SPF1 -ALL"},
    {"failing.test.com", DNS_TXT, .code = DNS_SERVFAIL},
    {"gone.test.com", DNS_TXT, .error = -EPIPE},
    {"a.test.com", DNS_TXT, "v=spf1 a:example.com -all"},
    {"mx.test.com", DNS_TXT, "v=spf1 mx:example.com/30 mx:example.org/30//64 -all"},
    {"ptr.test.com", DNS_TXT, "v=spf1 ptr:example.com -all"},
    {"ip.test.com", DNS_TXT, "v=spf1 ip4:192.0.2.128/28 ip6:2001:db8::/32 ~all"},
    {"mapped.test.com", DNS_TXT, "v=spf1 ip6:::ffff:192.0.2.1 -all"},
    {"include.test.com", DNS_TXT, "V=SPF1 Include:ip.test.com include:a.test.com ?ALL"},
    {"redirect.test.com", DNS_TXT, "v=spf1 redirect=ip.test.com"},
    {"first.test.com", DNS_TXT, "v=spf1 redirect=all.test.com ip4:192.0.2.1 -all"},
    {"nowhere.test.com", DNS_TXT, "v=spf1 include:missing.test.com -all"},
    {"away.test.com", DNS_TXT, "v=spf1 redirect=missing.test.com"},
    {"open.test.com", DNS_TXT, "v=spf1 ip4:192.0.2.1"},
    {"loop.test.com", DNS_TXT, "v=spf1 include:loop.test.com -all"},
    {"behind.test.com", DNS_TXT, "v=spf1 +all ip4:300.0.0.1"},
    {"blanks.test.com", DNS_TXT, "v=spf1   ip4:192.0.2.1   -all "},
    {"tab.test.com", DNS_TXT, "v=spf1 ip4:192.0.2.1\t-all"},
    {"exists.test.com", DNS_TXT, "v=spf1 exists:%{l}._spf.test.com -all"},
    {"tama._spf.test.com", DNS_A, "127.0.0.2"},
    {"postmaster._spf.test.com", DNS_A, "127.0.0.2"},
    {"unknown.test.com", DNS_TXT, "v=spf1 new-word=%{i}x moo.=_ -all"},
    {"void2.test.com", DNS_TXT, "v=spf1 a:no1.test.com mx:no2.test.com ip4:192.0.2.1 -all"},
    {"void3.test.com", DNS_TXT,
     "v=spf1 a:no1.test.com a:no2.test.com exists:no3.test.com ip4:192.0.2.1 -all"},
    {"v4only.test.com", DNS_TXT, "v=spf1 mx:example.com a:amy.example.com -all"},
    {"ten.test.com", DNS_TXT,
     "v=spf1 a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com"
     " a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com"
     " a:amy.example.com a:bob.example.com -all"},
    {"eleven.test.com", DNS_TXT, "v=spf1 a:bob.example.com include:ten.test.com -all"},
    {"slow.test.com", DNS_TXT, "v=spf1 a:failing.example.com ip4:192.0.2.1 -all"},
    {"early.test.com", DNS_TXT, "v=spf1 ip4:192.0.2.1 a:failing.example.com -all"},
    {"explains.test.com", DNS_TXT, "v=spf1 -all exp=why.test.com"},
    {"why.test.com", DNS_TXT, "%{i} is not one of %{d}'s, %{l}"},
    {"mute.test.com", DNS_TXT, "v=spf1 -all exp=missing.test.com"},
    {"badexp.test.com", DNS_TXT, "v=spf1 -all exp=badwhy.test.com"},
    {"badwhy.test.com", DNS_TXT, "%{x}"},
    {"inner.test.com", DNS_TXT, "v=spf1 include:explains.test.com -all"},
    {"onwards.test.com", DNS_TXT, "v=spf1 redirect=explains.test.com exp=missing.test.com"},
    {"name.test.com", DNS_TXT, "v=spf1 exists:%{p}.x.test.com -all"},
    {"amy.example.com.x.test.com", DNS_A, "127.0.0.2"},
    {"unknown.x.test.com", DNS_A, "127.0.0.2"},
    {"alias.test.com", DNS_CNAME, "ip.test.com"},
    {0},
};

static struct fake_dns fake = {.records = zone};

static struct spf_outcome ask(struct arena *a, const char *domain, const char *client,
                              const char *local_part) WAITS {
    struct dns_client dns = fake_dns_client(&fake);
    struct net_addr addr;
    struct spf_outcome o;
    struct spf_question q = {.dns = &dns,
                             .client = &addr,
                             .helo = S("mail.example.org"),
                             .local_part = slice_of_str(local_part),
                             .domain = slice_of_str(domain),
                             .host = S("receiver.test")};
    assert_int_equal(net_parse(slice_of_str(client), 0, &addr), 0);
    assert_int_equal(spf_check(&q, a, &o), 0);
    return o;
}

struct row {
    const char *domain, *client;
    enum spf_result result;
};

static void expect_all(const struct row *rows, size_t count) WAITS {
    for (size_t i = 0; i < count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct spf_outcome o = ask(&a, rows[i].domain, rows[i].client, "tama");
        if (o.result != rows[i].result)
            fail_msg("%s from %s: %s, expected %s (%s)", rows[i].domain, rows[i].client,
                     spf_result_name(o.result), spf_result_name(rows[i].result),
                     o.problem ? o.problem : "");
        assert_int_equal(o.problem != NULL, o.result == SPF_PERMERROR || o.result == SPF_TEMPERROR);
        assert_int_equal(o.name.len > 0, o.result == SPF_TEMPERROR);
    }
}

FIBER_TEST(what_is_no_name_or_has_no_record_is_none_rfc7208_4_3) {
    static const struct row rows[] = {
        {"missing.test.com", "192.0.2.1", SPF_NONE}, {"v10.test.com", "192.0.2.1", SPF_NONE},
        {"localhost", "192.0.2.1", SPF_NONE},        {"", "192.0.2.1", SPF_NONE},
        {"a..test.com", "192.0.2.1", SPF_NONE},      {".test.com", "192.0.2.1", SPF_NONE},
        {"[192.0.2.1]", "192.0.2.1", SPF_NONE},      {"example.com", "192.0.2.1", SPF_NONE},
        {"a b.test.com", "192.0.2.1", SPF_NONE},
    };
    expect_all(rows, ARRAY_SIZE(rows));
}

FIBER_TEST(dns_that_fails_is_a_temperror_rfc7208_4_4) {
    static const struct row rows[] = {
        {"failing.test.com", "192.0.2.1", SPF_TEMPERROR},
        {"gone.test.com", "192.0.2.1", SPF_TEMPERROR},
        {"slow.test.com", "192.0.2.1", SPF_TEMPERROR},
        {"early.test.com", "192.0.2.1", SPF_PASS},
        {"early.test.com", "192.0.2.2", SPF_TEMPERROR},
    };
    _cleanup_(arena_done) struct arena a = {0};
    expect_all(rows, ARRAY_SIZE(rows));
    assert_slice(ask(&a, "slow.test.com", "192.0.2.1", "").name, "failing.example.com");
    assert_slice(ask(&a, "slow.test.com", "192.0.2.1", "").term, "a:failing.example.com");
}

FIBER_TEST(there_is_one_record_rfc7208_4_5) {
    static const struct row rows[] = {
        {"two.test.com", "192.0.2.1", SPF_PERMERROR},
        {"other.test.com", "192.0.2.1", SPF_FAIL},
        {"bare.test.com", "192.0.2.1", SPF_NEUTRAL},
        {"alias.test.com", "192.0.2.129", SPF_PASS},
    };
    expect_all(rows, ARRAY_SIZE(rows));
}

FIBER_TEST(errors_count_wherever_they_stand_rfc7208_4_6) {
    static const struct row rows[] = {
        {"behind.test.com", "192.0.2.1", SPF_PERMERROR},
        {"blanks.test.com", "192.0.2.1", SPF_PASS},
        {"blanks.test.com", "192.0.2.2", SPF_FAIL},
        {"tab.test.com", "192.0.2.1", SPF_PERMERROR},
        {"unknown.test.com", "192.0.2.1", SPF_FAIL},
    };
    _cleanup_(arena_done) struct arena a = {0};
    expect_all(rows, ARRAY_SIZE(rows));
    assert_slice(ask(&a, "behind.test.com", "192.0.2.1", "").term, "ip4:300.0.0.1");
}

FIBER_TEST(a_record_whose_term_is_wrong_is_wrong_rfc7208_12) {
    static const char *const wrong[] = {
        "mxx",
        "all:x.test.com",
        "all/24",
        "+",
        "a:",
        "a:com",
        "a:x.test.com/33",
        "a/33",
        "a/024",
        "a//129",
        "a///64",
        "a/24/64",
        "a/x",
        "a:x.test.com/",
        "mx:",
        "ptr/24",
        "ptr:",
        "include",
        "include:",
        "include/24",
        "include:x",
        "exists",
        "exists:",
        "exists:x.test.com/24",
        "ip4",
        "ip4:",
        "ip4:1.2.3",
        "ip4:1.2.3.4/33",
        "ip4:1.2.3.4/",
        "ip4:1.2.3.4/08",
        "ip4:1.2.3.4//32",
        "ip4:01.2.3.4",
        "ip4:2001:db8::1",
        "ip6",
        "ip6:",
        "ip6:1.2.3.4",
        "ip6:2001:db8::1/129",
        "ip6:2001:db8::g",
        "redirect=",
        "redirect=x",
        "exp=",
        "exp=x",
        "redirect:x.test.com",
        "redirect=a.test.com redirect=b.test.com",
        "exp=a.test.com exp=b.test.com",
        "moo=%",
        "moo=%{c}",
        "1moo=x",
        "=x",
        "-",
        "++all",
        "a:\xe6\xa5\xad.test.com",
        "a:x.test.com\x01",
        "a:%{l}/24x",
        "all=", /* a modifier: right */
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct fake_record records[] = {
            {"x.test.com", DNS_TXT,
             arena_str(&a, arena_printf(&a, "v=spf1 ip4:192.0.2.1 %s -all", wrong[i]))},
            {0}};
        struct fake_dns one = {.records = records};
        struct dns_client dns = fake_dns_client(&one);
        struct net_addr addr;
        struct spf_outcome o;
        assert_int_equal(net_parse(S("192.0.2.1"), 0, &addr), 0);
        assert_int_equal(
            spf_check(
                &(struct spf_question){.dns = &dns, .client = &addr, .domain = S("x.test.com")}, &a,
                &o),
            0);
        if (o.result != (i + 1 < ARRAY_SIZE(wrong) ? SPF_PERMERROR : SPF_PASS))
            fail_msg("\"%s\" gives %s", wrong[i], spf_result_name(o.result));
    }
}

FIBER_TEST(limits_rfc7208_4_6_4) {
    static const struct row rows[] = {
        {"ten.test.com", "192.0.2.66", SPF_PASS},
        {"eleven.test.com", "192.0.2.66", SPF_PASS},
        {"eleven.test.com", "192.0.2.67", SPF_PERMERROR},
        {"loop.test.com", "192.0.2.2", SPF_PERMERROR},
        {"void2.test.com", "192.0.2.1", SPF_PASS},
        {"void3.test.com", "192.0.2.1", SPF_PERMERROR},
        {"v4only.test.com", "2001:db8::1", SPF_FAIL}, /* two hosts of one mx are one void */
    };
    expect_all(rows, ARRAY_SIZE(rows));
}

FIBER_TEST(mechanisms_rfc7208_5) {
    static const struct row rows[] = {
        {"all.test.com", "198.51.100.1", SPF_PASS},
        {"a.test.com", "192.0.2.11", SPF_PASS},
        {"a.test.com", "192.0.2.12", SPF_FAIL},
        {"a.test.com", "2001:db8::1", SPF_FAIL},
        {"mx.test.com", "192.0.2.131", SPF_PASS},
        {"mx.test.com", "192.0.2.132", SPF_FAIL},
        {"mx.test.com", "192.0.2.143", SPF_PASS},
        {"mx.test.com", "2001:db8::ffff", SPF_PASS},
        {"ip.test.com", "192.0.2.143", SPF_PASS},
        {"ip.test.com", "192.0.2.144", SPF_SOFTFAIL},
        {"ip.test.com", "2001:db8:9::1", SPF_PASS},
        {"ip.test.com", "::ffff:192.0.2.128", SPF_PASS},
        {"mapped.test.com", "192.0.2.1", SPF_FAIL},
        {"ptr.test.com", "192.0.2.10", SPF_PASS},
        {"ptr.test.com", "192.0.2.65", SPF_PASS},
        {"ptr.test.com", "192.0.2.66", SPF_PASS}, /* its first name lies */
        {"ptr.test.com", "192.0.2.67", SPF_FAIL},
        {"ptr.test.com", "192.0.2.68", SPF_FAIL},
        {"ptr.test.com", "192.0.2.69", SPF_FAIL},
        {"exists.test.com", "192.0.2.1", SPF_PASS},
        {"include.test.com", "192.0.2.130", SPF_PASS},
        {"include.test.com", "192.0.2.10", SPF_PASS},
        {"include.test.com", "192.0.2.1", SPF_NEUTRAL},
        {"nowhere.test.com", "192.0.2.130", SPF_PERMERROR},
        {"open.test.com", "192.0.2.2", SPF_NEUTRAL},
    };
    _cleanup_(arena_done) struct arena a = {0};
    expect_all(rows, ARRAY_SIZE(rows));
    assert_int_equal(ask(&a, "exists.test.com", "192.0.2.1", "").result, SPF_PASS); /* postmaster */
    assert_int_equal(ask(&a, "exists.test.com", "192.0.2.1", "kuro").result, SPF_FAIL);
    assert_slice(ask(&a, "include.test.com", "192.0.2.10", "").term,
                 "include:a.test.com a:example.com");
    assert_slice(ask(&a, "include.test.com", "192.0.2.1", "").term, "?ALL");
}

FIBER_TEST(redirect_rfc7208_6_1) {
    static const struct row rows[] = {
        {"redirect.test.com", "192.0.2.130", SPF_PASS},
        {"redirect.test.com", "192.0.2.1", SPF_SOFTFAIL},
        {"away.test.com", "192.0.2.130", SPF_PERMERROR},
        {"first.test.com", "192.0.2.2", SPF_FAIL},
    };
    _cleanup_(arena_done) struct arena a = {0};
    expect_all(rows, ARRAY_SIZE(rows));
    assert_slice(ask(&a, "redirect.test.com", "192.0.2.1", "").term, "redirect=ip.test.com ~all");
    assert_slice(ask(&a, "redirect.test.com", "192.0.2.1", "").record,
                 "v=spf1 redirect=ip.test.com");
}

FIBER_TEST(explanations_rfc7208_6_2) {
    _cleanup_(arena_done) struct arena a = {0};
    assert_slice(ask(&a, "explains.test.com", "192.0.2.9", "ta\nma").explanation,
                 "192.0.2.9 is not one of explains.test.com's, ta?ma");
    assert_slice(ask(&a, "onwards.test.com", "192.0.2.9", "tama").explanation,
                 "192.0.2.9 is not one of explains.test.com's, tama");
    assert_slice(ask(&a, "mute.test.com", "192.0.2.9", "").explanation, "");
    assert_slice(ask(&a, "badexp.test.com", "192.0.2.9", "").explanation, "");
    assert_slice(ask(&a, "inner.test.com", "192.0.2.9", "").explanation, "");
    assert_int_equal(ask(&a, "mute.test.com", "192.0.2.9", "").result, SPF_FAIL);
}

FIBER_TEST(the_name_of_the_client_rfc7208_7_3) {
    static const struct row rows[] = {
        {"name.test.com", "192.0.2.65", SPF_PASS},
        {"name.test.com", "192.0.2.67", SPF_PASS}, /* unknown.x.test.com */
        {"name.test.com", "192.0.2.66", SPF_FAIL},
    };
    expect_all(rows, ARRAY_SIZE(rows));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_name_or_has_no_record_is_none_rfc7208_4_3),
        cmocka_unit_test(test_dns_that_fails_is_a_temperror_rfc7208_4_4),
        cmocka_unit_test(test_there_is_one_record_rfc7208_4_5),
        cmocka_unit_test(test_errors_count_wherever_they_stand_rfc7208_4_6),
        cmocka_unit_test(test_a_record_whose_term_is_wrong_is_wrong_rfc7208_12),
        cmocka_unit_test(test_limits_rfc7208_4_6_4),
        cmocka_unit_test(test_mechanisms_rfc7208_5),
        cmocka_unit_test(test_redirect_rfc7208_6_1),
        cmocka_unit_test(test_explanations_rfc7208_6_2),
        cmocka_unit_test(test_the_name_of_the_client_rfc7208_7_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
