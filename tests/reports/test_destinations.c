/* SPDX-License-Identifier: ISC */
#include "reports/destinations.h"

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "unit.h"

static const struct fake_record zone[] = {
    {"_dmarc.example.jp", DNS_TXT, "v=DMARC1; p=reject; rua=mailto:d@example.jp"},
    {"_dmarc.plain.test", DNS_TXT, "v=DMARC1; p=reject"},
    {"example.jp._report._dmarc.wants.test", DNS_TXT, "v=DMARC1"},
    {"example.jp._report._dmarc.wants.test", DNS_TXT, "v=spf1 -all"},
    {"example.jp._report._dmarc.other.test", DNS_TXT, "v=spf1 -all"},
    {"example.jp._report._dmarc.moved.test", DNS_TXT, "v=DMARC1; rua=mailto:in%2Bx@moved.test"},
    {"example.jp._report._dmarc.abuse.test", DNS_TXT, "v=DMARC1; rua=mailto:v@victim.test"},
    {"example.jp._report._dmarc.slow.test", DNS_TXT, .code = DNS_TIMEOUT},
    {"_dmarc.slower.test", DNS_TXT, .code = DNS_SERVFAIL},
    {"example.jp._report._dmarc.slower.test", DNS_TXT, "v=DMARC1"},
    {0},
};

static void assert_destinations(const char *rua, const char *expected) WAITS {
    struct fake_dns fake = {.records = zone};
    struct dns_client dns = fake_dns_client(&fake);
    struct slice list[REPORT_DESTINATIONS_MAX];
    struct arena a = {0};
    struct buf told = {0};
    size_t count = 0;
    assert_int_equal(
        report_destinations(&dns, S("example.jp"), slice_of_str(rua), &a, list, &count), 0);
    for (size_t i = 0; i < count; i++)
        buf_printf(&told, "%s%.*s", i > 0 ? " " : "", SLICE_ARG(list[i]));
    assert_string_equal(buf_str(&told), expected);
    buf_done(&told);
    arena_done(&a);
}

FIBER_TEST(addresses_of_the_organization_need_nobodys_word_rfc9990_4) {
    assert_destinations("mailto:d@example.jp", "d@example.jp");
    assert_destinations("mailto:d@Reports.Example.JP", "d@reports.example.jp");
    assert_destinations("mailto:a@example.jp!10m , mailto:a@example.jp,mailto:b@example.jp",
                        "a@example.jp b@example.jp");
}

FIBER_TEST(others_have_to_want_them_rfc9990_4) {
    assert_destinations("mailto:d@wants.test", "d@wants.test");
    assert_destinations("mailto:d@silent.test,mailto:d@other.test", "");
    assert_destinations("mailto:d@silent.test,mailto:d@example.jp", "d@example.jp");
    assert_destinations("mailto:d@notexample.jp", "");
}

FIBER_TEST(others_may_name_another_address_at_the_same_host_rfc9990_4) {
    assert_destinations("mailto:d@moved.test", "in+x@moved.test");
    assert_destinations("mailto:d@abuse.test", "");
}

FIBER_TEST(what_dns_does_not_say_is_no_consent) {
    assert_destinations("mailto:d@slow.test,mailto:d@slower.test,mailto:d@wants.test",
                        "d@wants.test");
}

FIBER_TEST(what_is_no_address_is_passed_over) {
    assert_destinations("https://example.jp/,mailto:nobody,mailto:a@[192.0.2.1],mailto:@,,", "");
    assert_destinations("mailto:1@example.jp,mailto:2@example.jp,mailto:3@example.jp,mailto:"
                        "4@example.jp,mailto:5@example.jp,mailto:6@example.jp",
                        "1@example.jp 2@example.jp 3@example.jp 4@example.jp 5@example.jp");
}

FIBER_TEST(reports_come_from_a_domain_that_asks_for_none) {
    struct fake_dns fake = {.records = zone};
    struct dns_client dns = fake_dns_client(&fake);
    struct arena a = {0};
    assert_int_equal(report_would_come_back(&dns, S("mail.example.jp"), &a), 1);
    assert_int_equal(report_would_come_back(&dns, S("plain.test"), &a), 0);
    assert_int_equal(report_would_come_back(&dns, S("none.test"), &a), 0);
    assert_int_equal(report_would_come_back(&dns, S("slower.test"), &a), -E_TEMPORARY);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_the_organization_need_nobodys_word_rfc9990_4),
        cmocka_unit_test(test_others_have_to_want_them_rfc9990_4),
        cmocka_unit_test(test_others_may_name_another_address_at_the_same_host_rfc9990_4),
        cmocka_unit_test(test_what_dns_does_not_say_is_no_consent),
        cmocka_unit_test(test_what_is_no_address_is_passed_over),
        cmocka_unit_test(test_reports_come_from_a_domain_that_asks_for_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
