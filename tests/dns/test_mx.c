/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/random.h"
#include "dns/fake.h"
#include "dns/mx.h"
#include "fiber/fiber.h"

/* A search in progress: the table, what came out and what was told. */
struct world {
    struct fake_dns dns;
    struct arena arena;
    struct dns_search search;
    struct dns_way way;
    struct buf told;
};

static void world_done(struct world *w) {
    arena_done(&w->arena);
    buf_done(&w->told);
}

static void hear(void *arg, struct slice sentence) {
    struct world *w = arg;
    buf_add(&w->told, sentence);
    buf_add_byte(&w->told, '\n');
}

static int find(struct world *w, const char *domain, const struct fake_record *records) {
    w->dns.records = records;
    w->search.to.name = slice_of_str(domain);
    w->search.to.port = 25;
    w->search.event = hear;
    w->search.event_arg = w;
    struct dns_client client = fake_dns_client(&w->dns);
    return dns_find_hosts(&client, &w->search, &w->arena, &w->way);
}

/* "mx1.example.net 10 192.0.2.1 2001:db8::1; mx2 ..." */
static struct slice way_text(struct world *w) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < w->way.count; i++) {
        const struct dns_host *host = &w->way.hosts[i];
        buf_printf(&text, "%s%.*s %u", i ? "; " : "", SLICE_ARG(host->name), host->preference);
        for (size_t j = 0; j < host->count; j++) {
            char addr[NET_TEXT_SIZE];
            buf_add_byte(&text, ' ');
            buf_add(&text, net_format_host(&host->addresses[j], addr));
        }
    }
    return arena_copy(&w->arena, buf_slice(&text));
}

static void assert_settled(struct world *w, enum dns_outcome outcome, unsigned reply,
                           unsigned subject, unsigned detail) {
    assert_int_equal(w->way.outcome, outcome);
    assert_int_equal(w->way.reply, reply);
    assert_int_equal(w->way.subject, subject);
    assert_int_equal(w->way.detail, detail);
    assert_int_equal(w->way.count, 0);
    assert_true(w->way.words.len > 0);
}

#define WORLD _cleanup_(world_done) struct world w = {0}

FIBER_TEST(mx_hosts_come_by_rising_preference_rfc5321_5_1) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "30 c.example.net"},
        {"example.net", DNS_MX, "10 a.example.net"},
        {"example.net", DNS_MX, "20 b.example.net"},
        {"a.example.net", DNS_A, "192.0.2.1"},
        {"b.example.net", DNS_A, "192.0.2.2"},
        {"c.example.net", DNS_A, "192.0.2.3"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_int_equal(w.way.outcome, DNS_FOUND);
    assert_slice(
        way_text(&w),
        "a.example.net 10 192.0.2.1; b.example.net 20 192.0.2.2; c.example.net 30 192.0.2.3");
    assert_int_equal(net_port(&w.way.hosts[0].addresses[0]), 25);
    assert_slice(buf_slice(&w.told),
                 "MX of example.net: 10 a.example.net, 20 b.example.net, 30 c.example.net\n"
                 "a.example.net (preference 10) has address 192.0.2.1\n"
                 "b.example.net (preference 20) has address 192.0.2.2\n"
                 "c.example.net (preference 30) has address 192.0.2.3\n");
}

FIBER_TEST(equal_preferences_are_shuffled_evenly_rfc5321_5_1) {
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "10 a.example.net"},
        {"example.net", DNS_MX, "10 b.example.net"},
        {"example.net", DNS_MX, "20 c.example.net"},
        {"a.example.net", DNS_A, "192.0.2.1"},
        {"b.example.net", DNS_A, "192.0.2.2"},
        {"c.example.net", DNS_A, "192.0.2.3"},
        {0},
    };
    unsigned a_first = 0;
    for (int i = 0; i < 400; i++) {
        WORLD;
        assert_int_equal(find(&w, "example.net", table), 0);
        assert_int_equal(w.way.count, 3);
        assert_slice(w.way.hosts[2].name, "c.example.net");
        a_first += w.way.hosts[0].name.ptr[0] == 'a';
    }
    assert_in_range(a_first, 140, 260);
}

FIBER_TEST(domain_itself_is_the_host_only_without_any_mx_rfc5321_5_1) {
    WORLD;
    static const struct fake_record table[] = {{"example.net", DNS_A, "192.0.2.1"}, {0}};
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_slice(way_text(&w), "example.net 0 192.0.2.1");
    assert_slice(buf_slice(&w.told), "MX of example.net: none, so its own address is used\n"
                                     "example.net (preference 0) has address 192.0.2.1\n");
}

FIBER_TEST(unusable_mx_never_falls_back_to_the_domain_rfc5321_5_1) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "10 gone.example.net"},
        {"example.net", DNS_A, "192.0.2.1"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_settled(&w, DNS_NO_WAY, 550, 4, 4);
}

FIBER_TEST(null_mx_is_permanent_556_5_1_10_rfc7505_4_2) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "0 ."},
        {"example.net", DNS_A, "192.0.2.1"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_settled(&w, DNS_NO_WAY, 556, 1, 10);
}

FIBER_TEST(null_mx_beside_real_ones_is_left_out_rfc7505_3) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "0 ."},
        {"example.net", DNS_MX, "10 a.example.net"},
        {"a.example.net", DNS_A, "192.0.2.1"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_slice(way_text(&w), "a.example.net 10 192.0.2.1");
}

FIBER_TEST(unknown_domain_is_permanent_5_1_2) {
    WORLD;
    static const struct fake_record table[] = {{0}};
    assert_int_equal(find(&w, "nosuch.example", table), 0);
    assert_settled(&w, DNS_NO_WAY, 550, 1, 2);
    assert_slice(buf_slice(&w.told), "MX of nosuch.example: no such name\n");
}

FIBER_TEST(servfail_timeout_and_bogus_mean_later_4_4_3) {
    static const struct fake_record table[] = {
        {"servfail.example", DNS_MX, .code = DNS_SERVFAIL},
        {"timeout.example", DNS_MX, .code = DNS_TIMEOUT},
        {"bogus.example", DNS_MX, .code = DNS_BOGUS},
        {"pipe.example", DNS_MX, .error = -EPIPE},
        {0},
    };
    for (size_t i = 0; table[i].name; i++) {
        WORLD;
        assert_int_equal(find(&w, table[i].name, table), 0);
        assert_settled(&w, DNS_LATER, 451, 4, 3);
    }
}

FIBER_TEST(failed_address_of_the_only_host_means_later) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "10 a.example.net"},
        {"a.example.net", DNS_A, .code = DNS_SERVFAIL},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_settled(&w, DNS_LATER, 451, 4, 3);
}

FIBER_TEST(failed_address_of_one_host_leaves_the_others) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "10 a.example.net"},
        {"example.net", DNS_MX, "20 b.example.net"},
        {"a.example.net", DNS_AAAA, .code = DNS_TIMEOUT},
        {"b.example.net", DNS_A, "192.0.2.2"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_slice(way_text(&w), "b.example.net 20 192.0.2.2");
}

FIBER_TEST(host_without_address_is_skipped) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "10 a.example.net"},
        {"example.net", DNS_MX, "20 b.example.net"},
        {"a.example.net", DNS_TXT, "nothing here"},
        {"b.example.net", DNS_A, "192.0.2.2"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_slice(way_text(&w), "b.example.net 20 192.0.2.2");
    assert_slice(buf_slice(&w.told), "MX of example.net: 10 a.example.net, 20 b.example.net\n"
                                     "a.example.net has no address\n"
                                     "b.example.net (preference 20) has address 192.0.2.2\n");
}

static const struct fake_record both_families[] = {
    {"example.net", DNS_A, "192.0.2.1"},      {"example.net", DNS_A, "192.0.2.2"},
    {"example.net", DNS_A, "192.0.2.3"},      {"example.net", DNS_AAAA, "2001:db8::1"},
    {"example.net", DNS_AAAA, "2001:db8::2"}, {0},
};

FIBER_TEST(ipv6_and_ipv4_addresses_come_in_turns) {
    WORLD;
    assert_int_equal(find(&w, "example.net", both_families), 0);
    static const sa_family_t families[] = {AF_INET6, AF_INET, AF_INET6, AF_INET, AF_INET};
    assert_int_equal(w.way.hosts[0].count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(w.way.hosts[0].addresses[i].any.sa_family, families[i]);
}

FIBER_TEST(families_can_be_switched_off) {
    WORLD;
    w.search.no_ipv6 = true;
    assert_int_equal(find(&w, "example.net", both_families), 0);
    assert_int_equal(w.way.hosts[0].count, 3);
    assert_int_equal(w.dns.asked, 2);
}

FIBER_TEST(every_address_of_a_host_comes_once_and_first_in_turn) {
    unsigned first[3] = {0};
    for (int i = 0; i < 300; i++) {
        WORLD;
        w.search.no_ipv6 = true;
        assert_int_equal(find(&w, "example.net", both_families), 0);
        unsigned seen = 0;
        for (size_t j = 0; j < 3; j++) {
            unsigned last = ntohl(w.way.hosts[0].addresses[j].in.sin_addr.s_addr) & 0xff;
            seen |= 1U << last;
            if (j == 0)
                first[last - 1]++;
        }
        assert_int_equal(seen, 14);
    }
    for (size_t i = 0; i < 3; i++)
        assert_in_range(first[i], 50, 150);
}

static const struct fake_record three[] = {
    {"example.net", DNS_MX, "10 a.example.net"},
    {"example.net", DNS_MX, "20 b.example.net"},
    {"example.net", DNS_MX, "20 c.example.net"},
    {"example.net", DNS_MX, "30 d.example.net"},
    {"a.example.net", DNS_A, "192.0.2.1"},
    {"b.example.net", DNS_A, "192.0.2.2"},
    {"c.example.net", DNS_A, "192.0.2.3"},
    {"d.example.net", DNS_A, "192.0.2.4"},
    {0},
};

FIBER_TEST(hosts_from_our_own_preference_on_are_dropped_rfc5321_5_1) {
    WORLD;
    struct slice names[] = {S("other.example"), S("C.example.net")};
    w.search.own_names = names;
    w.search.own_name_count = 2;
    assert_int_equal(find(&w, "example.net", three), 0);
    assert_slice(way_text(&w), "a.example.net 10 192.0.2.1");
}

FIBER_TEST(we_are_recognised_by_address_and_port) {
    WORLD;
    struct net_addr own;
    assert_int_equal(net_parse(S("192.0.2.2"), 25, &own), 0);
    w.search.own_addresses = &own;
    w.search.own_address_count = 1;
    assert_int_equal(find(&w, "example.net", three), 0);
    assert_int_equal(w.way.count, 1);
    net_set_port(&own, 2525);
    assert_int_equal(find(&w, "example.net", three), 0);
    assert_int_equal(w.way.count, 4);
    net_set_port(&own, 0);
    assert_int_equal(find(&w, "example.net", three), 0);
    assert_int_equal(w.way.count, 1);
}

FIBER_TEST(best_host_is_ourselves_is_a_loop_5_4_6) {
    WORLD;
    struct slice name = S("a.example.net");
    w.search.own_names = &name;
    w.search.own_name_count = 1;
    assert_int_equal(find(&w, "example.net", three), 0);
    assert_settled(&w, DNS_NO_WAY, 554, 4, 6);
}

FIBER_TEST(loopback_mx_of_a_foreign_domain_is_a_loop) {
    static const struct fake_record table[] = {
        {"lo4.example", DNS_A, "127.0.0.1"},
        {"lo6.example", DNS_AAAA, "::1"},
        {"any.example", DNS_A, "0.0.0.0"},
        {0},
    };
    for (size_t i = 0; table[i].name; i++) {
        WORLD;
        w.search.loopback_is_own = true;
        assert_int_equal(find(&w, table[i].name, table), 0);
        assert_settled(&w, DNS_NO_WAY, 554, 4, 6);
        w.search.loopback_is_own = false;
        assert_int_equal(find(&w, table[i].name, table), 0);
        assert_int_equal(w.way.outcome, DNS_FOUND);
    }
}

FIBER_TEST(aliases_are_followed_and_told_rfc5321_5_1) {
    WORLD;
    static const struct fake_record table[] = {
        {"alias.example", DNS_CNAME, "example.net"},
        {"example.net", DNS_MX, "10 mx.example.net"},
        {"mx.example.net", DNS_CNAME, "real.example.net"},
        {"real.example.net", DNS_A, "192.0.2.9"},
        {0},
    };
    assert_int_equal(find(&w, "alias.example", table), 0);
    assert_slice(way_text(&w), "mx.example.net 10 192.0.2.9");
    assert_slice(slice_first(buf_slice(&w.told), 40), "alias.example is an alias of example.net");
}

FIBER_TEST(same_host_listed_twice_counts_once_with_its_best_preference) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "20 a.example.net"},
        {"example.net", DNS_MX, "10 A.example.net"},
        {"a.example.net", DNS_A, "192.0.2.1"},
        {0},
    };
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_slice(way_text(&w), "a.example.net 10 192.0.2.1");
}

FIBER_TEST(long_lists_keep_the_most_preferred_hosts) {
    WORLD;
    static char values[40][32], names[40][32];
    static struct fake_record table[81];
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "mx%02u.example.net", i);
        (void)snprintf(values[i], sizeof values[i], "%u mx%02u.example.net", 40 - i, i);
        table[i] = (struct fake_record){"example.net", DNS_MX, values[i]};
        table[40 + i] = (struct fake_record){names[i], DNS_A, "192.0.2.1"};
    }
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_int_equal(w.way.count, DNS_HOSTS_MAX);
    assert_slice(w.way.hosts[0].name, "mx39.example.net");
    assert_slice(w.way.hosts[DNS_HOSTS_MAX - 1].name, "mx08.example.net");
    assert_true(slice_find(buf_slice(&w.told), S(" and 8 more, left out")) > 0);
}

FIBER_TEST(hosts_left_out_are_looked_at_when_no_other_has_an_address) {
    WORLD;
    static char values[80][32];
    static struct fake_record table[82];
    for (unsigned i = 0; i < 80; i++) {
        (void)snprintf(values[i], sizeof values[i], "%u mx%02u.example.net", i, i);
        table[i] = (struct fake_record){"example.net", DNS_MX, values[i]};
    }
    table[80] = (struct fake_record){"mx70.example.net", DNS_A, "192.0.2.1"};
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_slice(way_text(&w), "mx70.example.net 70 192.0.2.1");
    table[80] = (struct fake_record){"mx30.example.net", DNS_A, .code = DNS_SERVFAIL};
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_settled(&w, DNS_LATER, 451, 4, 3);
}

FIBER_TEST(mx_that_is_an_address_is_told) {
    WORLD;
    static const struct fake_record table[] = {{"example.net", DNS_MX, "10 192.0.2.1"}, {0}};
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_settled(&w, DNS_NO_WAY, 550, 4, 4);
    assert_slice(w.way.words, "No mail host of example.net has an address: its MX record has an IP "
                              "address, 192.0.2.1, where the name of a host belongs");
}

FIBER_TEST(addresses_are_asked_side_by_side) {
    WORLD;
    w.dns.delay = USEC_SEC;
    usec_t began = fiber_now();
    assert_int_equal(find(&w, "example.net", three), 0);
    assert_int_equal(w.dns.asked, 9);
    assert_int_equal(w.dns.widest, 8);
    assert_int_equal(fiber_now() - began, 2 * USEC_SEC);
    assert_int_equal(w.way.count, 4);
}

static void find_until_cancelled(void *arg) {
    int *result = arg;
    WORLD;
    w.dns.delay = USEC_SEC;
    *result = find(&w, "example.net", three);
}

FIBER_TEST(cancel_ends_the_search_and_its_helpers) {
    for (usec_t at = USEC_SEC / 2; at < 2 * USEC_SEC; at += USEC_SEC) {
        int result = 1;
        struct fiber *searcher;
        assert_int_equal(fiber_start("search", find_until_cancelled, &result, &searcher), 0);
        assert_int_equal(fiber_sleep(at), 0);
        fiber_cancel(searcher);
        fiber_join(searcher);
        assert_int_equal(result, -ECANCELED);
    }
}

FIBER_TEST(secure_only_when_the_whole_chain_is) {
    WORLD;
    static const struct fake_record table[] = {
        {"example.net", DNS_MX, "10 a.example.net", .secure = true},
        {"example.net", DNS_MX, "20 b.example.net", .secure = true},
        {"a.example.net", DNS_A, "192.0.2.1", .secure = true},
        {"b.example.net", DNS_A, "192.0.2.2"},
        {0},
    };
    w.search.no_ipv6 = true;
    assert_int_equal(find(&w, "example.net", table), 0);
    assert_true(w.way.secure);
    assert_true(w.way.hosts[0].secure);
    assert_false(w.way.hosts[1].secure);
    assert_slice(slice_first(buf_slice(&w.told), 67),
                 "MX of example.net: 10 a.example.net, 20 b.example.net (DNSSEC)\na.ex");
}

FIBER_TEST(address_literals_need_no_question_rfc5321_4_1_3) {
    WORLD;
    static const struct fake_record table[] = {{0}};
    assert_int_equal(find(&w, "[192.0.2.7]", table), 0);
    assert_slice(way_text(&w), "[192.0.2.7] 0 192.0.2.7");
    assert_int_equal(find(&w, "[IPv6:2001:db8::7]", table), 0);
    assert_slice(way_text(&w), "[IPv6:2001:db8::7] 0 2001:db8::7");
    assert_int_equal(w.dns.asked, 0);
    static const char *const bad[] = {"[192.0.2]", "[IPv6:192.0.2.1]", "[192.0.2.1:26]", "[x]"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(find(&w, bad[i], table), 0);
        assert_settled(&w, DNS_NO_WAY, 550, 1, 2);
    }
}

FIBER_TEST(literal_of_our_own_address_is_a_loop) {
    WORLD;
    static const struct fake_record table[] = {{0}};
    struct net_addr own;
    assert_int_equal(net_parse(S("192.0.2.7"), 0, &own), 0);
    w.search.own_addresses = &own;
    w.search.own_address_count = 1;
    assert_int_equal(find(&w, "[192.0.2.7]", table), 0);
    assert_settled(&w, DNS_NO_WAY, 554, 4, 6);
}

FIBER_TEST(what_is_no_name_is_permanent_5_1_2) {
    static const struct fake_record table[] = {{0}};
    static const char *const bad[] = {"", ".", "a..b", "a b", "caf\xc3\xa9.example"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        WORLD;
        assert_int_equal(find(&w, bad[i], table), 0);
        assert_settled(&w, DNS_NO_WAY, 550, 1, 2);
        assert_int_equal(w.dns.asked, 0);
    }
}

FIBER_TEST(smart_host_without_mx_look_up_uses_its_addresses) {
    WORLD;
    static const struct fake_record table[] = {
        {"smart.example", DNS_MX, "10 other.example"},
        {"smart.example", DNS_A, "192.0.2.5"},
        {0},
    };
    w.search.to.no_mx = true;
    assert_int_equal(find(&w, "smart.example", table), 0);
    assert_slice(way_text(&w), "smart.example 0 192.0.2.5");
}

int main(void) {
    random_fix(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mx_hosts_come_by_rising_preference_rfc5321_5_1),
        cmocka_unit_test(test_equal_preferences_are_shuffled_evenly_rfc5321_5_1),
        cmocka_unit_test(test_domain_itself_is_the_host_only_without_any_mx_rfc5321_5_1),
        cmocka_unit_test(test_unusable_mx_never_falls_back_to_the_domain_rfc5321_5_1),
        cmocka_unit_test(test_null_mx_is_permanent_556_5_1_10_rfc7505_4_2),
        cmocka_unit_test(test_null_mx_beside_real_ones_is_left_out_rfc7505_3),
        cmocka_unit_test(test_unknown_domain_is_permanent_5_1_2),
        cmocka_unit_test(test_servfail_timeout_and_bogus_mean_later_4_4_3),
        cmocka_unit_test(test_failed_address_of_the_only_host_means_later),
        cmocka_unit_test(test_failed_address_of_one_host_leaves_the_others),
        cmocka_unit_test(test_host_without_address_is_skipped),
        cmocka_unit_test(test_ipv6_and_ipv4_addresses_come_in_turns),
        cmocka_unit_test(test_families_can_be_switched_off),
        cmocka_unit_test(test_every_address_of_a_host_comes_once_and_first_in_turn),
        cmocka_unit_test(test_hosts_from_our_own_preference_on_are_dropped_rfc5321_5_1),
        cmocka_unit_test(test_we_are_recognised_by_address_and_port),
        cmocka_unit_test(test_best_host_is_ourselves_is_a_loop_5_4_6),
        cmocka_unit_test(test_loopback_mx_of_a_foreign_domain_is_a_loop),
        cmocka_unit_test(test_aliases_are_followed_and_told_rfc5321_5_1),
        cmocka_unit_test(test_same_host_listed_twice_counts_once_with_its_best_preference),
        cmocka_unit_test(test_long_lists_keep_the_most_preferred_hosts),
        cmocka_unit_test(test_hosts_left_out_are_looked_at_when_no_other_has_an_address),
        cmocka_unit_test(test_mx_that_is_an_address_is_told),
        cmocka_unit_test(test_addresses_are_asked_side_by_side),
        cmocka_unit_test(test_cancel_ends_the_search_and_its_helpers),
        cmocka_unit_test(test_secure_only_when_the_whole_chain_is),
        cmocka_unit_test(test_address_literals_need_no_question_rfc5321_4_1_3),
        cmocka_unit_test(test_literal_of_our_own_address_is_a_loop),
        cmocka_unit_test(test_what_is_no_name_is_permanent_5_1_2),
        cmocka_unit_test(test_smart_host_without_mx_look_up_uses_its_addresses),
    };
    return cmocka_run_group_tests_name("dns mx", tests, NULL, NULL);
}
