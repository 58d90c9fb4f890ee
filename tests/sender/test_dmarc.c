/* SPDX-License-Identifier: ISC */
#include "sender/dmarc/dmarc.h"

#include <errno.h>

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "unit.h"

static const struct fake_record zone[] = {
    {"_dmarc.example.com", DNS_TXT,
     "v=DMARC1; p=reject; sp=quarantine; np=none; rua=mailto:d@example.com"},
    {"mail.example.com", DNS_A, "192.0.2.1"},
    {"_dmarc.own.example.com", DNS_TXT, "v=DMARC1; p=none"},
    {"_dmarc.division.example.com", DNS_TXT, "v=DMARC1; p=quarantine; psd=n"},
    {"x.division.example.com", DNS_A, "192.0.2.1"},
    {"_dmarc.bank", DNS_TXT, "v=DMARC1; p=reject; psd=y; np=reject; sp=none"},
    {"one.bank", DNS_A, "192.0.2.1"},
    {"mail.one.bank", DNS_A, "192.0.2.1"},
    {"_dmarc.two.bank", DNS_TXT, "v=DMARC1; p=quarantine"},
    {"_dmarc.strict.test", DNS_TXT, "v=DMARC1; p=reject; adkim=s; aspf=s"},
    {"_dmarc.trying.test", DNS_TXT, "v=DMARC1; p=reject; sp=quarantine; t=y"},
    {"sub.trying.test", DNS_A, "192.0.2.1"},
    {"_dmarc.twice.test", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.twice.test", DNS_TXT, "v=DMARC1; p=none"},
    {"_dmarc.other.test", DNS_TXT, "v=spf1 -all"},
    {"_dmarc.other.test", DNS_TXT, "v=DMARC1 ; p = Reject"},
    {"_dmarc.bare.test", DNS_TXT, "v=DMARC1"},
    {"_dmarc.asks.test", DNS_TXT, "v=DMARC1; p=all; rua=mailto:d@asks.test"},
    {"_dmarc.wrong.test", DNS_TXT, "v=DMARC1; p=rejected"},
    {"_dmarc.late.test", DNS_TXT, "p=reject; v=DMARC1"},
    {"_dmarc.old.test", DNS_TXT, "v=DMARC1; p=reject; pct=0; rf=afrf; ri=1; zz=1; ;"},
    {"_dmarc.slow.test", DNS_TXT, .code = DNS_TIMEOUT},
    {"_dmarc.halfslow.test", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.slow.halfslow.test", DNS_TXT, .code = DNS_SERVFAIL},
    {"_dmarc.h.i.j.k.example.net", DNS_TXT, "v=DMARC1; p=quarantine"},
    {"_dmarc.example.net", DNS_TXT, "v=DMARC1; p=reject"},
    {"a.b.c.d.e.f.g.h.i.j.k.example.net", DNS_A, "192.0.2.1"},
    {0},
};

static struct fake_dns fake = {.records = zone};

static struct dmarc_outcome check(struct arena *a, const char *domain, const char *dkim,
                                  const char *spf) WAITS {
    struct dns_client dns = fake_dns_client(&fake);
    struct dmarc_outcome o;
    struct dmarc_identifier ids[2];
    size_t count = 0;
    const char *given[] = {dkim, spf};
    for (unsigned i = 0; i < 2; i++)
        if (given[i])
            ids[count++] =
                (struct dmarc_identifier){.domain = slice_of_str(given[i] + (given[i][0] == '?')),
                                          .is_spf = i == 1,
                                          .passed = given[i][0] != '?',
                                          .may_pass = given[i][0] == '?'};
    fake.asked = 0;
    assert_int_equal(dmarc_check(&dns, slice_of_str(domain), ids, count, a, &o), 0);
    return o;
}

FIBER_TEST(which_policy_counts_rfc9989_4_10_1) {
    static const struct {
        const char *domain, *found_at, *organization;
        enum dmarc_policy policy;
        enum dmarc_result result;
    } rows[] = {
        {"example.com", "example.com", "example.com", DMARC_POLICY_REJECT, DMARC_FAIL},
        {"mail.example.com", "example.com", "example.com", DMARC_POLICY_QUARANTINE, DMARC_FAIL},
        {"nowhere.example.com", "example.com", "example.com", DMARC_POLICY_NONE, DMARC_FAIL},
        {"own.example.com", "own.example.com", "example.com", DMARC_POLICY_NONE, DMARC_FAIL},
        {"division.example.com", "division.example.com", "division.example.com",
         DMARC_POLICY_QUARANTINE, DMARC_FAIL},
        {"x.division.example.com", "division.example.com", "division.example.com",
         DMARC_POLICY_QUARANTINE, DMARC_FAIL},
        {"one.bank", "bank", "one.bank", DMARC_POLICY_NONE, DMARC_FAIL},
        {"mail.one.bank", "bank", "one.bank", DMARC_POLICY_NONE, DMARC_FAIL},
        {"nowhere.bank", "bank", "nowhere.bank", DMARC_POLICY_REJECT, DMARC_FAIL},
        {"two.bank", "two.bank", "two.bank", DMARC_POLICY_QUARANTINE, DMARC_FAIL},
        {"bank", "bank", "bank", DMARC_POLICY_REJECT, DMARC_FAIL},
        {"trying.test", "trying.test", "trying.test", DMARC_POLICY_QUARANTINE, DMARC_FAIL},
        {"sub.trying.test", "trying.test", "trying.test", DMARC_POLICY_NONE, DMARC_FAIL},
        {"twice.test", NULL, "twice.test", 0, DMARC_NONE},
        {"other.test", "other.test", "other.test", DMARC_POLICY_REJECT, DMARC_FAIL},
        {"bare.test", NULL, "bare.test", 0, DMARC_NONE},
        {"asks.test", "asks.test", "asks.test", DMARC_POLICY_NONE, DMARC_FAIL},
        {"wrong.test", NULL, "wrong.test", 0, DMARC_NONE},
        {"late.test", NULL, "late.test", 0, DMARC_NONE},
        {"old.test", "old.test", "old.test", DMARC_POLICY_REJECT, DMARC_FAIL},
        {"nothing.test", NULL, "nothing.test", 0, DMARC_NONE},
        {"test", NULL, "test", 0, DMARC_NONE},
        {"slow.test", NULL, NULL, 0, DMARC_TEMPERROR},
        {"slow.halfslow.test", NULL, NULL, 0, DMARC_TEMPERROR},
        {"a.b.c.d.e.f.g.h.i.j.k.example.net", "example.net", "example.net", DMARC_POLICY_REJECT,
         DMARC_FAIL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct dmarc_outcome o = check(&a, rows[i].domain, NULL, NULL);
        if (o.result != rows[i].result || o.policy != rows[i].policy ||
            !slice_eq(o.found_at, rows[i].found_at ? slice_of_str(rows[i].found_at) : S("")) ||
            !slice_eq(o.organization,
                      rows[i].organization ? slice_of_str(rows[i].organization) : S("")))
            fail_msg("%s: %s, %s, found at \"%.*s\", of \"%.*s\"", rows[i].domain,
                     dmarc_result_name(o.result), dmarc_policy_name(o.policy),
                     SLICE_ARG(o.found_at), SLICE_ARG(o.organization));
        assert_true(fake.asked <= DMARC_QUERIES_MAX + 1);
        assert_int_equal(o.name.len > 0, o.result == DMARC_TEMPERROR);
    }
}

FIBER_TEST(alignment_rfc9989_4_4) {
    static const struct {
        const char *domain, *dkim, *spf;
        enum dmarc_result result;
    } rows[] = {
        {"example.com", "example.com", NULL, DMARC_PASS},
        {"example.com", NULL, "example.com", DMARC_PASS},
        {"example.com", "mail.example.com", NULL, DMARC_PASS},
        {"mail.example.com", "example.com", NULL, DMARC_PASS},
        {"mail.example.com", NULL, "EXAMPLE.com", DMARC_PASS},
        {"mail.example.com", "other.example.com", NULL, DMARC_PASS},
        {"example.com", "xexample.com", NULL, DMARC_FAIL},
        {"example.com", "com", NULL, DMARC_FAIL},
        {"example.com", "example.org", "example.org", DMARC_FAIL},
        {"example.com", "x.division.example.com", NULL, DMARC_FAIL}, /* of another organization */
        {"division.example.com", "example.com", NULL, DMARC_FAIL},
        {"division.example.com", "x.division.example.com", NULL, DMARC_PASS},
        {"one.bank", "two.bank", NULL, DMARC_FAIL},
        {"one.bank", "mail.one.bank", NULL, DMARC_PASS},
        {"one.bank", "bank", NULL, DMARC_FAIL},
        {"strict.test", "strict.test", NULL, DMARC_PASS},
        {"strict.test", "mail.strict.test", NULL, DMARC_FAIL},
        {"strict.test", NULL, "mail.strict.test", DMARC_FAIL},
        {"example.com", "?example.com", NULL, DMARC_TEMPERROR},
        {"example.com", "?example.com", "mail.example.com", DMARC_PASS},
        {"example.com", "?example.org", NULL, DMARC_FAIL},
        {"example.com", NULL, "?mail.example.com", DMARC_TEMPERROR},
        {"halfslow.test", "slow.halfslow.test", NULL, DMARC_TEMPERROR},
        {"halfslow.test", "slow.halfslow.test", "halfslow.test", DMARC_PASS},
        {"nothing.test", "nothing.test", NULL, DMARC_NONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct dmarc_outcome o = check(&a, rows[i].domain, rows[i].dkim, rows[i].spf);
        if (o.result != rows[i].result)
            fail_msg("%s by %s, %s: %s", rows[i].domain, rows[i].dkim ? rows[i].dkim : "-",
                     rows[i].spf ? rows[i].spf : "-", dmarc_result_name(o.result));
        assert_int_equal(o.why != NULL, o.result == DMARC_TEMPERROR);
    }
}

static void test_records_rfc9989_4_7(void **state UNUSED) {
    struct arena a = {0};
    struct dmarc_record r;
    dmarc_record_read(S("v=DMARC1;P=Quarantine;adkim=S;aspf=r;fo=1:d;psd=Y;ruf=mailto:f@x.test"),
                      &a, &r);
    assert_true(r.has_policy && r.strict_dkim && !r.strict_spf && !r.testing);
    assert_int_equal(r.p, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.sp, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.np, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.psd, DMARC_PSD_YES);
    assert_slice(r.fo, "1:d");
    assert_slice(r.ruf, "mailto:f@x.test");
    dmarc_record_read(S("v=DMARC1; p=none; sp=reject; p=reject"), &a, &r);
    assert_int_equal(r.p, DMARC_POLICY_NONE);
    assert_int_equal(r.np, DMARC_POLICY_REJECT);
    dmarc_record_read(S("v=DMARC1; sp=reject"), &a, &r);
    assert_false(r.has_policy);
    arena_done(&a);
}

static void test_addresses_rfc9990_3_1(void **state UNUSED) {
    struct arena a = {0};
    struct slice rest = S("mailto:a@x.test!10m, MAILTO:b%2Cc@y.test , https://z.test/, mailto:, "
                          "mailto:@q.test, x@x.test,mailto:d%zz@x.test"),
                 address;
    assert_true(dmarc_next_address(&rest, &a, &address));
    assert_slice(address, "a@x.test");
    assert_true(dmarc_next_address(&rest, &a, &address));
    assert_slice(address, "b,c@y.test");
    assert_true(dmarc_next_address(&rest, &a, &address));
    assert_slice(address, "d%zz@x.test");
    assert_false(dmarc_next_address(&rest, &a, &address));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_policy_counts_rfc9989_4_10_1),
        cmocka_unit_test(test_alignment_rfc9989_4_4),
        cmocka_unit_test(test_records_rfc9989_4_7),
        cmocka_unit_test(test_addresses_rfc9990_3_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
