/* SPDX-License-Identifier: ISC */
/*
 * From which family mail leaves. Our addresses are 11.0.0.1 and 2a00::1, the name is
 * mail.example.test; example.net has one host with an address of each family.
 */
#include "unit.h"

#include <errno.h>

#include "conf/conf.h"
#include "relay/sources.h"
#include "relay/world.h"

enum { PTR4, A, PTR6, AAAA, HOST4, HOST6, MX, RECORDS };
#define REVERSE6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.2.ip6.arpa"

static const struct fake_record in_order[RECORDS + 1] = {
    [PTR4] = {"1.0.0.11.in-addr.arpa", DNS_PTR, "mail.example.test"},
    [A] = {"mail.example.test", DNS_A, "11.0.0.1"},
    [PTR6] = {REVERSE6, DNS_PTR, "mail.example.test"},
    [AAAA] = {"mail.example.test", DNS_AAAA, "2a00::1"},
    [HOST4] = {"mx.example.net", DNS_A, "11.1.1.1"},
    [HOST6] = {"mx.example.net", DNS_AAAA, "2a01::1"},
    [MX] = {"example.net", DNS_MX, "10 mx.example.net"},
};
static struct fake_record records[RECORDS + 1];
static struct fake_dns dns;

static struct net_addr address(const char *text) {
    struct net_addr a;
    assert_int_equal(net_parse(slice_of_str(text), 25, &a), 0);
    return a;
}

static struct sources *new_sources(struct dns_client *client) {
    memcpy(records, in_order, sizeof records);
    dns = (struct fake_dns){.records = records};
    *client = fake_dns_client(&dns);
    struct sources *s = sources_new(client, S("mail.example.test"));
    struct net_addr v4 = address("11.0.0.1"), v6 = address("2a00::1");
    sources_note(s, &v4);
    sources_note(s, &v6);
    return s;
}

static const char *left_out(struct sources *s, int family) {
    struct slice why = {0};
    return sources_leave_out(s, family, &why) ? why.ptr : NULL;
}

FIBER_TEST(families_in_order_are_both_used) {
    struct dns_client client;
    struct sources *s = new_sources(&client);
    assert_int_equal(sources_judge(s), 0);
    assert_null(left_out(s, AF_INET6));
    assert_null(left_out(s, AF_INET));
    sources_free(s);
}

FIBER_TEST(a_family_is_left_out_when_it_is_not_in_order_and_the_other_is) {
    static const struct {
        int record;
        struct fake_record instead;
        const char *why;
    } faults[] = {
        {PTR6, {"x.test", DNS_PTR, "x.test"}, "2a00::1 has no name (PTR)"},
        {PTR6,
         {REVERSE6, DNS_PTR, "dynamic.provider.test"},
         "the name of 2a00::1 (PTR) does not lead back to it"},
        {AAAA,
         {"mail.example.test", DNS_AAAA, "2a00::2"},
         "the name of 2a00::1 (PTR) does not lead back to it"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct dns_client client;
        struct sources *s = new_sources(&client);
        records[faults[i].record] = faults[i].instead;
        assert_int_equal(sources_judge(s), 0);
        assert_string_equal(left_out(s, AF_INET6), faults[i].why);
        assert_null(left_out(s, AF_INET));
        sources_free(s);
    }
}

FIBER_TEST(the_name_in_ehlo_has_to_lead_there_too) {
    struct dns_client client;
    struct sources *s = new_sources(&client);
    records[PTR6].value = "other.test";
    records[AAAA] = (struct fake_record){"other.test", DNS_AAAA, "2a00::1"};
    assert_int_equal(sources_judge(s), 0);
    assert_string_equal(left_out(s, AF_INET6), "mail.example.test does not lead to 2a00::1");
    sources_free(s);
}

/* Where neither agrees, or DNS gives no answer, messages go as if all were well. */
FIBER_TEST(without_a_family_that_is_in_order_none_is_left_out) {
    static const struct {
        int record;
        enum dns_code code;
    } also[] = {{PTR4, DNS_NXDOMAIN}, {PTR4, DNS_SERVFAIL}, {A, DNS_TIMEOUT}};
    for (size_t i = 0; i < ARRAY_SIZE(also); i++) {
        struct dns_client client;
        struct sources *s = new_sources(&client);
        records[PTR6].code = DNS_NXDOMAIN;
        records[also[i].record].code = also[i].code;
        assert_int_equal(sources_judge(s), 0);
        assert_null(left_out(s, AF_INET6));
        assert_null(left_out(s, AF_INET));
        sources_free(s);
    }
    struct dns_client client;
    struct sources *s = new_sources(&client);
    records[PTR6].code = DNS_SERVFAIL;
    assert_int_equal(sources_judge(s), 0);
    assert_null(left_out(s, AF_INET6));
    sources_free(s);
}

FIBER_TEST(they_are_judged_again_after_a_day_and_where_dns_failed_after_an_hour) {
    struct dns_client client;
    struct sources *s = new_sources(&client);
    records[PTR6].code = DNS_SERVFAIL;
    assert_int_equal(sources_judge(s), 0);
    records[PTR6].code = DNS_NXDOMAIN;
    assert_int_equal(sources_judge(s), 0);
    assert_null(left_out(s, AF_INET6));
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    assert_int_equal(sources_judge(s), 0);
    assert_non_null(left_out(s, AF_INET6));
    records[PTR6].code = DNS_OK;
    assert_int_equal(fiber_sleep(23 * USEC_HOUR), 0);
    assert_int_equal(sources_judge(s), 0);
    assert_non_null(left_out(s, AF_INET6));
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    assert_int_equal(sources_judge(s), 0);
    assert_null(left_out(s, AF_INET6));
    sources_free(s);
}

FIBER_TEST(another_address_is_another_judgement) {
    struct dns_client client;
    struct sources *s = new_sources(&client);
    records[PTR6].code = DNS_NXDOMAIN;
    assert_int_equal(sources_judge(s), 0);
    assert_non_null(left_out(s, AF_INET6));
    struct net_addr other = address("2a00::9");
    sources_note(s, &other);
    assert_null(left_out(s, AF_INET6));
    sources_free(s);
}

/* ------------------------------------------------------------------ in the relay */

static const char *leaves_by;

static int local_of(const struct stream *stream UNUSED, struct net_addr *ret) {
    *ret = address(leaves_by);
    return 0;
}

static const struct relay_result *send_to(struct world *w, bool smart_host) {
    static const struct recipient mike = {.address = {"mike@example.net", 16}};
    struct relay_job job = job_for(w, "example.net", &mike, 1);
    job.smart_host = smart_host;
    w->told.len = 0;
    assert_int_equal(relay_transmit(w->relay, &job, &w->a, &w->outcome), 0);
    return &w->outcome.results[0];
}

FIBER_TEST(addresses_of_a_family_that_is_not_in_order_are_left_out) {
    struct fake_host hosts[] = {{.address = "2a01::1"}, {.address = "11.1.1.1"}, {0}};
    struct world w;
    memcpy(records, in_order, sizeof records);
    records[PTR6].code = DNS_NXDOMAIN;
    struct net_range range;
    struct conf_networks trusted = {.list = &range};
    assert_int_equal(net_range_parse(S("2a01::/16"), &range), 0);
    begin(&w, hosts);
    w.options.trusted = &trusted;
    w.dns.records = records;
    w.options.helo = S("mail.example.test");
    w.options.idle = 0;
    w.options.local = local_of;
    leaves_by = "2a00::1";
    open_relay(&w);
    assert_int_equal(send_to(&w, false)->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].messages, 1); /* nothing is known yet */
    hosts[0].connect_error = -ECONNREFUSED;
    leaves_by = "11.0.0.1";
    assert_int_equal(send_to(&w, false)->disposition, RELAY_DELIVERED);
    hosts[0].connect_error = 0;
    assert_int_equal(send_to(&w, false)->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].messages, 1);
    assert_int_equal(hosts[1].messages, 2);
    assert_true(
        slice_find(buf_slice(&w.told),
                   S("lookup: Addresses of IPv6 are left out: 2a00::1 has no name (PTR)\n")) >= 0);
    assert_int_equal(send_to(&w, true)->disposition, RELAY_DELIVERED); /* a host of the settings */
    assert_int_equal(hosts[0].messages, 2);
    trusted.count = 1;
    assert_int_equal(send_to(&w, false)->disposition, RELAY_DELIVERED); /* it minds nothing */
    assert_int_equal(hosts[0].messages, 3);
    trusted.count = 0;
    records[HOST4] = (struct fake_record){"x.test", DNS_A, "11.1.1.1"};
    assert_int_equal(send_to(&w, false)->disposition, RELAY_DELIVERED); /* there is no other way */
    assert_int_equal(hosts[0].messages, 4);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_in_order_are_both_used),
        cmocka_unit_test(test_a_family_is_left_out_when_it_is_not_in_order_and_the_other_is),
        cmocka_unit_test(test_the_name_in_ehlo_has_to_lead_there_too),
        cmocka_unit_test(test_without_a_family_that_is_in_order_none_is_left_out),
        cmocka_unit_test(test_they_are_judged_again_after_a_day_and_where_dns_failed_after_an_hour),
        cmocka_unit_test(test_another_address_is_another_judgement),
        cmocka_unit_test(test_addresses_of_a_family_that_is_not_in_order_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
