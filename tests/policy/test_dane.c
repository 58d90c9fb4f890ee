/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "dns/fake.h"
#include "policy/dane.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct judged {
    struct arena a;
    enum dane_outcome outcome;
    struct tls_policy policy;
    struct slice why;
    struct fake_dns dns;
};

/* Judges the first host of example.net, or of the settings. */
static void judge_next_hop(struct judged *j, const struct fake_record *records,
                           const struct dns_next_hop *to) {
    struct dns_way way;
    *j = (struct judged){.dns = {.records = records}};
    struct dns_client client = fake_dns_client(&j->dns);
    struct dns_search search = {.to = *to};
    assert_int_equal(dns_find_hosts(&client, &search, &j->a, &way), 0);
    assert_int_equal(way.outcome, DNS_FOUND);
    struct dane_question q = {&client, *to, &way, &way.hosts[0]};
    assert_int_equal(dane_judge(&q, &j->a, &j->outcome, &j->policy, &j->why), 0);
}

static void judge(struct judged *j, const struct fake_record *records) {
    judge_next_hop(j, records, &(struct dns_next_hop){.name = S("example.net"), .port = 25});
}

#define SIGNED_HOSTS                                                                               \
    {"example.net", DNS_MX, "10 mx.example.com", .secure = true}, {                                \
        "mx.example.com", DNS_A, "192.0.2.1", .secure = true                                       \
    }
#define OWNER "_25._tcp.mx.example.com"

FIBER_TEST(rfc7672_2_2_a_secure_record_is_demanded) {
    struct judged j;
    judge(&j, (struct fake_record[]){
                  SIGNED_HOSTS, {OWNER, DNS_TLSA, "3 1 1 " DIGEST, .secure = true}, {0}});
    assert_int_equal(j.outcome, DANE_HOLDS);
    assert_int_equal(j.policy.kind, TLS_POLICY_DANE);
    assert_int_equal(j.policy.demand, TLS_DEMAND_RECORDS);
    assert_int_equal(j.policy.record_count, 1);
    assert_int_equal(j.policy.records[0].usage, 3);
    assert_int_equal(j.policy.records[0].selector, 1);
    assert_int_equal(j.policy.records[0].matching, 1);
    assert_int_equal(j.policy.records[0].data.len, 32);
    assert_slice(tls_policy_text(&j.a, &j.policy), "DANE: 1 TLSA record at " OWNER);
    arena_done(&j.a);
}

FIBER_TEST(rfc7672_3_2_2_all_names_that_led_here_count_and_the_host_is_asked_for_its_own) {
    struct judged j;
    judge(&j, (struct fake_record[]){
                  {"example.net", DNS_CNAME, "example.org"},
                  {"example.org", DNS_MX, "10 mx.example.com", .secure = true},
                  {"mx.example.com", DNS_CNAME, "host.example.com"},
                  {"host.example.com", DNS_A, "192.0.2.1", .secure = true},
                  {"_25._tcp.host.example.com", DNS_TLSA, "2 0 1 " DIGEST, .secure = true},
                  {0}});
    assert_int_equal(j.outcome, DANE_HOLDS);
    assert_slice(j.policy.server_name, "host.example.com");
    assert_int_equal(j.policy.name_count, 4);
    assert_slice(j.policy.names[0], "host.example.com");
    assert_slice(j.policy.names[1], "mx.example.com");
    assert_slice(j.policy.names[2], "example.net");
    assert_slice(j.policy.names[3], "example.org");
    arena_done(&j.a);
}

FIBER_TEST(rfc7672_2_2_2_behind_an_alias_without_records_those_of_its_own_name_count) {
    struct judged j;
    judge(&j, (struct fake_record[]){{"example.net", DNS_MX, "10 mx.example.com", .secure = true},
                                     {"mx.example.com", DNS_CNAME, "host.example.com"},
                                     {"host.example.com", DNS_A, "192.0.2.1", .secure = true},
                                     {OWNER, DNS_TLSA, "3 1 1 " DIGEST, .secure = true},
                                     {0}});
    assert_int_equal(j.outcome, DANE_HOLDS);
    assert_slice(j.policy.server_name, "mx.example.com");
    arena_done(&j.a);
}

FIBER_TEST(rfc7672_2_2_2_an_alias_that_leads_out_of_a_signed_zone_may_have_records) {
    struct judged j;
    struct fake_record records[] = {
        {"example.net", DNS_MX, "10 mx.example.com", .secure = true},
        {"mx.example.com", DNS_CNAME, "host.example.org", .secure = true},
        {"host.example.org", DNS_A, "192.0.2.1"},
        {OWNER, DNS_TLSA, "3 1 1 " DIGEST, .secure = true},
        {0},
    };
    judge(&j, records);
    assert_int_equal(j.outcome, DANE_HOLDS);
    assert_slice(j.policy.server_name, "mx.example.com");
    arena_done(&j.a);

    records[1].secure = false;
    judge(&j, records);
    assert_int_equal(j.outcome, DANE_NONE);
    assert_slice(j.why, "the addresses of mx.example.com are not signed");
    arena_done(&j.a);
}

/* Name servers of unsigned zones answer SERVFAIL to it (facts of the wild no. 19). */
FIBER_TEST(rfc7672_2_1_3_nobody_is_asked_for_records_where_hosts_or_addresses_are_not_signed) {
    struct judged j;
    judge(&j, (struct fake_record[]){{"example.net", DNS_MX, "10 mx.example.com"},
                                     {"mx.example.com", DNS_A, "192.0.2.1", .secure = true},
                                     {OWNER, DNS_TLSA, .code = DNS_SERVFAIL},
                                     {0}});
    assert_int_equal(j.outcome, DANE_NONE);
    assert_slice(j.why, "what names the hosts of example.net is not signed");
    assert_int_equal(j.dns.asked, 3); /* MX, A, AAAA */
    arena_done(&j.a);

    judge(&j, (struct fake_record[]){{"example.net", DNS_MX, "10 mx.example.com", .secure = true},
                                     {"mx.example.com", DNS_A, "192.0.2.1", .secure = true},
                                     {"mx.example.com", DNS_AAAA, "2001:db8::1"},
                                     {OWNER, DNS_TLSA, .code = DNS_SERVFAIL},
                                     {0}});
    assert_int_equal(j.outcome, DANE_NONE);
    assert_int_equal(j.dns.asked, 3);
    arena_done(&j.a);
}

/* An attacker can make a look-up fail: that must not take DANE away. */
FIBER_TEST(rfc7672_2_1_2_a_look_up_of_addresses_that_fails_does_not_take_dane_away) {
    struct judged j;
    judge(&j, (struct fake_record[]){SIGNED_HOSTS,
                                     {"mx.example.com", DNS_AAAA, .code = DNS_BOGUS},
                                     {OWNER, DNS_TLSA, "3 1 1 " DIGEST, .secure = true},
                                     {0}});
    assert_int_equal(j.outcome, DANE_HOLDS);
    arena_done(&j.a);
}

FIBER_TEST(rfc7672_2_1_2_an_error_of_the_look_up_is_no_absence_of_records) {
    static const struct {
        enum dns_code code;
        int error;
        const char *why;
    } errors[] = {
        {DNS_SERVFAIL, 0, "TLSA look-up of " OWNER " failed: the name servers failed"},
        {DNS_TIMEOUT, 0,
         "TLSA look-up of " OWNER " failed: the name servers did not answer in time"},
        {DNS_BOGUS, 0, "TLSA look-up of " OWNER " failed: the answer failed DNSSEC validation"},
        {DNS_OK, -EPIPE, "TLSA look-up of " OWNER " failed: Broken pipe"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct judged j;
        judge(&j, (struct fake_record[]){
                      SIGNED_HOSTS,
                      {OWNER, DNS_TLSA, .code = errors[i].code, .error = errors[i].error},
                      {0}});
        assert_int_equal(j.outcome, DANE_ERROR);
        assert_slice(j.why, errors[i].why);
        arena_done(&j.a);
    }
}

FIBER_TEST(rfc7672_2_1_3_no_records_and_unsigned_records_are_no_dane) {
    struct judged j;
    judge(&j, (struct fake_record[]){SIGNED_HOSTS, {0}});
    assert_int_equal(j.outcome, DANE_NONE);
    assert_slice(j.why, "there are no TLSA records at " OWNER);
    arena_done(&j.a);

    judge(&j, (struct fake_record[]){SIGNED_HOSTS, {OWNER, DNS_TXT, "another"}, {0}});
    assert_int_equal(j.outcome, DANE_NONE);
    arena_done(&j.a);

    judge(&j, (struct fake_record[]){SIGNED_HOSTS, {OWNER, DNS_TLSA, "3 1 1 " DIGEST}, {0}});
    assert_int_equal(j.outcome, DANE_NONE);
    assert_slice(j.why, "the TLSA records at " OWNER " are not signed");
    arena_done(&j.a);
}

FIBER_TEST(rfc7672_2_2_records_of_which_none_can_be_used_demand_tls_all_the_same) {
    static const char *const values[] = {
        "0 1 1 " DIGEST,      /* RFC 7672 §3.1.3 */
        "1 1 1 " DIGEST,      /* likewise */
        "4 1 1 " DIGEST,      /* no such usage */
        "3 2 1 " DIGEST,      /* no such selector */
        "3 1 3 " DIGEST,      /* no such matching type */
        "3 1 1 0123",         /* too short for a digest */
        "3 1 1 " DIGEST "00", /* too long for one */
        "3 1 2 " DIGEST,      /* half of a SHA-512 */
        "3 1 0 " DIGEST,      /* no key */
        "2 0 0 30820122",     /* no certificate */
        "3 1 0",              /* nothing */
        "3",                  /* no record at all */
    };
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct judged j;
        judge(&j, (struct fake_record[]){
                      SIGNED_HOSTS, {OWNER, DNS_TLSA, values[i], .secure = true}, {0}});
        assert_int_equal(j.outcome, DANE_HOLDS);
        assert_int_equal(j.policy.demand, TLS_DEMAND_ANY);
        assert_int_equal(j.policy.record_count, 0);
        assert_slice(j.why,
                     "the 1 TLSA record at " OWNER " cannot be used, so any certificate will do");
        arena_done(&j.a);
    }
}

FIBER_TEST(records_that_can_be_used_are_picked_from_the_others) {
    struct judged j;
    judge(&j, (struct fake_record[]){SIGNED_HOSTS,
                                     {OWNER, DNS_TLSA, "1 1 1 " DIGEST, .secure = true},
                                     {OWNER, DNS_TLSA, "2 1 2 " DIGEST DIGEST, .secure = true},
                                     {0}});
    assert_int_equal(j.policy.demand, TLS_DEMAND_RECORDS);
    assert_int_equal(j.policy.record_count, 1);
    assert_int_equal(j.policy.records[0].usage, 2);
    arena_done(&j.a);
}

FIBER_TEST(rfc7672_2_2_4_a_host_of_the_settings_has_records_of_its_port) {
    struct judged j;
    judge_next_hop(&j,
                   (struct fake_record[]){
                       {"relay.example.jp", DNS_A, "192.0.2.1", .secure = true},
                       {"_587._tcp.relay.example.jp", DNS_TLSA, "3 1 1 " DIGEST, .secure = true},
                       {0}},
                   &(struct dns_next_hop){S("relay.example.jp"), 587, true});
    assert_int_equal(j.outcome, DANE_HOLDS);
    arena_done(&j.a);
}

FIBER_TEST(address_literals_have_no_records) {
    struct judged j;
    judge_next_hop(&j, (struct fake_record[]){{0}},
                   &(struct dns_next_hop){.name = S("[192.0.2.1]"), .port = 25});
    assert_int_equal(j.outcome, DANE_NONE);
    assert_int_equal(j.dns.asked, 0);
    arena_done(&j.a);
}

/* RFC 1035 §2.3.4: with "_25._tcp." in front of it the name would be too long. */
FIBER_TEST(host_with_a_name_too_long_for_records_has_none) {
#define LABEL "a123456789a123456789a123456789a123456789a123456789a123456789a12"
    static const char name[] = LABEL "." LABEL "." LABEL ".a123456789a123456789a123456789a123456";
    struct judged j;
    char mx[300];
    (void)snprintf(mx, sizeof mx, "10 %s", name);
    judge(&j, (struct fake_record[]){{"example.net", DNS_MX, mx, .secure = true},
                                     {name, DNS_A, "192.0.2.1", .secure = true},
                                     {0}});
    assert_int_equal(j.outcome, DANE_NONE);
    arena_done(&j.a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc7672_2_2_a_secure_record_is_demanded),
        cmocka_unit_test(
            test_rfc7672_3_2_2_all_names_that_led_here_count_and_the_host_is_asked_for_its_own),
        cmocka_unit_test(
            test_rfc7672_2_2_2_behind_an_alias_without_records_those_of_its_own_name_count),
        cmocka_unit_test(
            test_rfc7672_2_2_2_an_alias_that_leads_out_of_a_signed_zone_may_have_records),
        cmocka_unit_test(
            test_rfc7672_2_1_3_nobody_is_asked_for_records_where_hosts_or_addresses_are_not_signed),
        cmocka_unit_test(
            test_rfc7672_2_1_2_a_look_up_of_addresses_that_fails_does_not_take_dane_away),
        cmocka_unit_test(test_rfc7672_2_1_2_an_error_of_the_look_up_is_no_absence_of_records),
        cmocka_unit_test(test_rfc7672_2_1_3_no_records_and_unsigned_records_are_no_dane),
        cmocka_unit_test(
            test_rfc7672_2_2_records_of_which_none_can_be_used_demand_tls_all_the_same),
        cmocka_unit_test(test_records_that_can_be_used_are_picked_from_the_others),
        cmocka_unit_test(test_rfc7672_2_2_4_a_host_of_the_settings_has_records_of_its_port),
        cmocka_unit_test(test_address_literals_have_no_records),
        cmocka_unit_test(test_host_with_a_name_too_long_for_records_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
