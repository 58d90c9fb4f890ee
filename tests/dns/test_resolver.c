/* SPDX-License-Identifier: ISC */
/*
 * The resolver against a real name server on a loopback port.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "dns/mx.h"
#include "dns/nsd.h"
#include "dns/resolver.h"

static const char zone[] = "$TTL 300\n"
                           "@ SOA ns hostmaster 1 3600 600 86400 60\n"
                           "@ NS ns\n"
                           "ns A 127.0.0.1\n"
                           "@ MX 20 mx2\n"
                           "@ MX 10 mx1\n"
                           "@ TXT \"v=spf1 \" \"mx -all\"\n"
                           "mx1 A 192.0.2.1\n"
                           "mx1 AAAA 2001:db8::1\n"
                           "mx2 A 192.0.2.2\n"
                           "www CNAME mx1\n"
                           "short 0 A 192.0.2.9\n"
                           "null MX 0 .\n"
                           "old DNAME new\n"
                           "key.new TXT \"found\"\n"
                           "*.wild A 192.0.2.50\n";

/* A zone signed once with a key that was thrown away; valid from 2020 to 2080. */
static const char signed_zone[] =
    "$TTL 300\n"
    "signed.example. SOA ns.signed.example. hostmaster.signed.example. 1 3600 600 86400 60\n"
    "signed.example. NS ns.signed.example.\n"
    "ns.signed.example. A 127.0.0.1\n"
    "signed.example. DNSKEY 257 3 13 "
    "oOZPrD6bZWg7zuJ5pNepE1CnYcchYyBvaUKtVHwPw+PWEBnsR7n6E1xUMoFfI6zg+Fu2R0QKZYg8DW+fM6E94A==\n"
    "signed.example. RRSIG DNSKEY 13 2 300 20810101000000 20200101000000 37291 signed.example. "
    "H0Ex9+A8DzSjKRNWg6Rj9RBEAdDujvb0pSNR/4U4YfkpLFTXbPNYP/aJfd45QYuXD+nRCzjSG1fIjO9kLkHljA==\n"
    "signed.example. MX 10 good.signed.example.\n"
    "signed.example. RRSIG MX 13 2 300 20810101000000 20200101000000 37291 signed.example. "
    "njOT2wcD/mbVNRhsUrXhor6VgkbeCJPPZigtMJldbOdoMSObroXXmQlVu6v8GdNR3ZpOYaBDmSrSG1b840DXwA==\n"
    "good.signed.example. A 192.0.2.1\n"
    "good.signed.example. RRSIG A 13 3 300 20810101000000 20200101000000 37291 signed.example. "
    "xQ2Jn8+QK8djZ6G7OqRKWMaf1w9bF/2hgn1unD9+BMyIRODbdmmFOP/Gq1ZffBIliYRgMAg6a81K0X4lQkbsqA==\n"
    "bad.signed.example. A 192.0.2.2\n"
    "bad.signed.example. RRSIG A 13 3 300 20810101000000 20200101000000 37291 signed.example. "
    "w/cOTSLnJIdJ6NRkulvHpQdxtNd6ZTsVqOqKSPhSwfdZdjKhJHhXKu0gpoEzh/+SdCXX1dA+OTJmAyo/gJaK2g==\n";
static const char signed_key[] =
    "signed.example. IN DNSKEY 257 3 13 "
    "oOZPrD6bZWg7zuJ5pNepE1CnYcchYyBvaUKtVHwPw+PWEBnsR7n6E1xUMoFfI6zg+Fu2R0QKZYg8DW+fM6E94A==\n";

struct world {
    struct nsd nsd;
    struct resolver *resolver;
    struct fiber *driver;
    struct arena a;
    struct dns_answer answer;
};

static void drive(void *arg) {
    assert_int_equal(resolver_drive(arg), -ECANCELED);
}

static void begin_with(struct world *w, struct resolver_options options, const char *zone_name,
                       const char *zone_text) {
    struct problem problem = {{0}};
    *w = (struct world){0};
    int r = nsd_start(&w->nsd, zone_name, zone_text);
    assert_int_equal(r, 0);
    options.servers = &w->nsd.addr;
    options.server_count = 1;
    r = resolver_new(&options, &w->resolver, &problem);
    assert_string_equal(problem.text, "");
    assert_int_equal(r, 0);
    assert_int_equal(fiber_start("driver", drive, w->resolver, &w->driver), 0);
}

static void begin(struct world *w, struct resolver_options options) {
    begin_with(w, options, "example.net", zone);
}

static void end(struct world *w) {
    fiber_cancel(w->driver);
    fiber_join(w->driver);
    resolver_free(w->resolver);
    nsd_stop(&w->nsd);
    arena_done(&w->a);
}

static const struct resolver_options defaults = RESOLVER_DEFAULTS;

static enum dns_code ask(struct world *w, const char *name, uint16_t type) {
    assert_int_equal(resolver_query(w->resolver, slice_of_str(name), type, &w->a, &w->answer), 0);
    return w->answer.code;
}

REAL_FIBER_TEST(records_of_each_kind_come_back) {
    struct world w;
    begin(&w, defaults);
    assert_int_equal(ask(&w, "Example.NET.", DNS_MX), DNS_OK);
    assert_int_equal(w.answer.count, 2);
    assert_int_equal(w.answer.records[0].preference + w.answer.records[1].preference, 30);
    assert_in_range(w.answer.ttl, 290, 300);
    assert_false(w.answer.secure);
    assert_int_equal(ask(&w, "example.net", DNS_TXT), DNS_OK);
    assert_slice(w.answer.records[0].bytes, "v=spf1 mx -all");
    assert_int_equal(ask(&w, "mx1.example.net", DNS_AAAA), DNS_OK);
    assert_int_equal(w.answer.records[0].bytes.len, 16);
    assert_int_equal(ask(&w, "www.example.net", DNS_A), DNS_OK);
    assert_slice(w.answer.canonical, "mx1.example.net");
    assert_int_equal(w.answer.count, 1);
    /* With a DNAME and a CNAME beside it (RFC 6672 §3.1). */
    assert_int_equal(ask(&w, "key.old.example.net", DNS_TXT), DNS_OK);
    assert_int_equal(w.answer.count, 1);
    assert_slice(w.answer.records[0].bytes, "found");
    end(&w);
}

REAL_FIBER_TEST(what_is_missing_is_told_apart) {
    struct world w;
    begin(&w, defaults);
    assert_int_equal(ask(&w, "mx1.example.net", DNS_MX), DNS_NODATA);
    assert_int_equal(ask(&w, "nosuch.example.net", DNS_MX), DNS_NXDOMAIN);
    assert_int_equal(ask(&w, "refused.example", DNS_MX), DNS_SERVFAIL);
    assert_int_equal(resolver_query(w.resolver, S("a..b"), DNS_A, &w.a, &w.answer), -E_SYNTAX);
    end(&w);
}

/* The library would answer these by itself (RFC 6761); a server that was set knows better. */
REAL_FIBER_TEST(servers_are_asked_about_test_and_private_zones_too) {
    static const char *const zones[] = {"example.test", "example.invalid", "2.0.10.in-addr.arpa"};
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        struct world w;
        begin_with(&w, defaults, zones[i], zone);
        assert_int_equal(ask(&w, zones[i], DNS_MX), DNS_OK);
        end(&w);
    }
}

struct asking {
    struct world *w;
    struct fiber *fiber;
    struct dns_answer answer;
    struct arena a;
    const char *name;
    int r;
};

static void ask_in_fiber(void *arg) {
    struct asking *asking = arg;
    asking->r = resolver_query(asking->w->resolver, slice_of_str(asking->name), DNS_A, &asking->a,
                               &asking->answer);
}

static void start_asking(struct world *w, struct asking *all, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct asking){.w = w, .name = name};
        assert_int_equal(fiber_start("asking", ask_in_fiber, &all[i], &all[i].fiber), 0);
    }
}

REAL_FIBER_TEST(same_question_at_once_is_asked_once_and_kept) {
    struct world w;
    struct asking all[20];
    struct resolver_stats stats;
    begin(&w, defaults);
    start_asking(&w, all, ARRAY_SIZE(all), "mx2.example.net");
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        fiber_join(all[i].fiber);
        assert_int_equal(all[i].r, 0);
        assert_int_equal(all[i].answer.code, DNS_OK);
        arena_done(&all[i].a);
    }
    assert_int_equal(ask(&w, "mx2.example.net", DNS_A), DNS_OK);
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.questions, 21);
    assert_int_equal(stats.joined, 19);
    assert_int_equal(stats.cached, 1);
    assert_int_equal(stats.kept, 1);
    assert_int_equal(stats.asking, 0);
    end(&w);
}

REAL_FIBER_TEST(answers_without_time_to_live_are_not_kept) {
    struct world w;
    struct resolver_stats stats;
    begin(&w, defaults);
    assert_int_equal(ask(&w, "short.example.net", DNS_A), DNS_OK);
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.kept, 0);
    end(&w);
}

/* What a domain has published should be found soon. */
REAL_FIBER_TEST(that_there_is_nothing_is_kept_for_a_minute) {
    struct world w;
    struct resolver_stats stats;
    begin(&w, defaults);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(&w, "nosuch.example.net", DNS_A), DNS_NXDOMAIN);
        assert_int_equal(ask(&w, "mx1.example.net", DNS_MX), DNS_NODATA);
        assert_int_equal(ask(&w, "refused.example", DNS_MX), DNS_SERVFAIL);
    }
    assert_int_equal(ask(&w, "nosuch.example.net", DNS_A), DNS_NXDOMAIN);
    assert_in_range(w.answer.ttl, 50, 60);
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.kept, 2);
    assert_int_equal(stats.cached, 3);
    end(&w);
}

REAL_FIBER_TEST(kept_answers_are_bounded_and_parallel_questions_too) {
    struct world w;
    struct asking all[100];
    static char names[100][40];
    struct resolver_stats stats;
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.parallel = 3;
    options.cache_entries = 10;
    begin(&w, options);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        (void)snprintf(names[i], sizeof names[i], "h%zu.wild.example.net", i);
        start_asking(&w, &all[i], 1, names[i]);
    }
    assert_int_equal(fiber_yield(), 0);
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.asking, 3);
    assert_int_equal(stats.queued, 97);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        fiber_join(all[i].fiber);
        assert_int_equal(all[i].answer.code, DNS_OK);
        arena_done(&all[i].a);
    }
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.kept, 10);
    assert_int_equal(stats.queued, 0);
    end(&w);
}

/* Whoever else asks is not kept waiting by them. */
REAL_FIBER_TEST(names_of_one_operator_do_not_take_all_places) {
    struct world w;
    struct asking all[20], other;
    static char names[20][40];
    struct resolver_stats stats;
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.share = 2;
    begin(&w, options);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        (void)snprintf(names[i], sizeof names[i], "s%zu.wild.example.net", i);
        start_asking(&w, &all[i], 1, names[i]);
    }
    start_asking(&w, &other, 1, "www.other.test");
    assert_int_equal(fiber_yield(), 0);
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.asking, 3);
    assert_int_equal(stats.queued, 18);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        fiber_join(all[i].fiber);
        assert_int_equal(all[i].answer.code, DNS_OK);
        arena_done(&all[i].a);
    }
    fiber_join(other.fiber);
    arena_done(&other.a);
    end(&w);
}

/* A server that never answers. */
static int deaf_server(struct net_addr *ret) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(net_parse(S("127.0.0.1"), 0, ret), 0);
    assert_int_equal(bind(fd, &ret->any, sizeof ret->in), 0);
    assert_int_equal(net_local(fd, ret), 0);
    return fd;
}

REAL_FIBER_TEST(silence_is_a_timeout_and_questions_are_withdrawn) {
    struct world w = {0};
    struct asking all[5];
    struct resolver_stats stats;
    struct problem problem;
    struct net_addr deaf;
    _cleanup_(close_p) int fd UNUSED = deaf_server(&deaf);
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.servers = &deaf;
    options.server_count = 1;
    options.timeout = 300 * USEC_MS;
    assert_int_equal(resolver_new(&options, &w.resolver, &problem), 0);
    assert_int_equal(fiber_start("driver", drive, w.resolver, &w.driver), 0);
    assert_int_equal(ask(&w, "a.example.net", DNS_A), DNS_TIMEOUT);
    start_asking(&w, all, ARRAY_SIZE(all), "b.example.net");
    assert_int_equal(fiber_sleep(50 * USEC_MS), 0);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        fiber_cancel(all[i].fiber);
        fiber_join(all[i].fiber);
        assert_int_equal(all[i].r, -ECANCELED);
        arena_done(&all[i].a);
    }
    resolver_stats(w.resolver, &stats);
    assert_int_equal(stats.timeouts, 1);
    assert_int_equal(stats.asking, 0);
    end(&w);
}

REAL_FIBER_TEST(where_one_server_is_silent_another_one_is_asked) {
    struct world w;
    struct problem problem;
    struct net_addr both[2];
    struct resolver_options options = RESOLVER_DEFAULTS;
    char name[32], question[512];
    _cleanup_(close_p) int fd = deaf_server(&both[0]);
    begin(&w, defaults);
    both[1] = w.nsd.addr;
    options.servers = both;
    options.server_count = 2;
    fiber_cancel(w.driver);
    fiber_join(w.driver);
    resolver_free(w.resolver);
    assert_int_equal(resolver_new(&options, &w.resolver, &problem), 0);
    assert_int_equal(fiber_start("driver", drive, w.resolver, &w.driver), 0);
    for (unsigned i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "x%u.wild.example.net", i);
        assert_int_equal(ask(&w, name, DNS_A), DNS_OK);
    }
    assert_true(recv(fd, question, sizeof question, MSG_DONTWAIT) > 0); /* which it is, is chance */
    end(&w);
}

REAL_FIBER_TEST(hosts_are_found_through_the_resolver) {
    struct world w;
    struct dns_way way;
    begin(&w, defaults);
    struct dns_client client = resolver_client(w.resolver);
    struct dns_search search = {.to = {.name = S("example.net"), .port = 25}};
    assert_int_equal(dns_find_hosts(&client, &search, &w.a, &way), 0);
    assert_int_equal(way.outcome, DNS_FOUND);
    assert_int_equal(way.count, 2);
    assert_slice(way.hosts[0].name, "mx1.example.net");
    assert_int_equal(way.hosts[0].count, 2);
    search.to.name = S("null.example.net");
    assert_int_equal(dns_find_hosts(&client, &search, &w.a, &way), 0);
    assert_int_equal(way.outcome, DNS_NO_WAY);
    assert_int_equal(way.reply, 556);
    end(&w);
}

/* Whoever claims the root's key is another than ours: what NSD says cannot be proven. */
REAL_FIBER_TEST(unsigned_answers_below_a_trust_anchor_are_bogus) {
    struct world w;
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.trust_anchors = S("; the root as it is not\n"
                              ". IN DS 20326 8 2 "
                              "0000000000000000000000000000000000000000000000000000000000000000\n");
    begin(&w, options);
    enum dns_code code = ask(&w, "mx1.example.net", DNS_A);
    assert_true(code == DNS_BOGUS || code == DNS_SERVFAIL);
    assert_false(w.answer.secure);
    end(&w);
    struct slice insecure = S("example.net");
    options.insecure = &insecure;
    options.insecure_count = 1;
    begin(&w, options);
    assert_int_equal(ask(&w, "mx1.example.net", DNS_A), DNS_OK);
    end(&w);
}

REAL_FIBER_TEST(signed_answers_are_secure_and_badly_signed_ones_bogus) {
    struct world w;
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.trust_anchors = slice_of_str(signed_key);
    begin_with(&w, options, "signed.example", signed_zone);
    assert_int_equal(ask(&w, "signed.example", DNS_MX), DNS_OK);
    assert_true(w.answer.secure);
    assert_int_equal(ask(&w, "good.signed.example", DNS_A), DNS_OK);
    assert_true(w.answer.secure);
    assert_int_equal(ask(&w, "bad.signed.example", DNS_A), DNS_BOGUS);
    assert_false(w.answer.secure);
    assert_true(w.answer.problem.len > 0);
    end(&w);
}

REAL_FIBER_TEST(bad_trust_anchor_is_named) {
    struct problem problem = {{0}};
    struct resolver *resolver = NULL;
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.trust_anchors = S("what is this\n");
    assert_int_equal(resolver_new(&options, &resolver, &problem), -E_SYNTAX);
    assert_true(strstr(problem.text, "what is this") != NULL);
    assert_null(resolver);
}

static void resolv_conf_servers_are_read(void **state) {
    (void)state;
    struct net_addr servers[3];
    char text[NET_TEXT_SIZE];
    struct slice conf = S("# a comment\nsearch example.net\nnameserver 192.0.2.53\r\n"
                          "nameserver nonsense\n  nameserver\t2001:db8::53\noptions ndots:1\n"
                          "nameserver 192.0.2.54\nnameserver 192.0.2.55\n");
    assert_int_equal(resolver_read_resolv_conf(conf, servers, 3), 3);
    assert_slice(net_format(&servers[0], text), "192.0.2.53:53");
    assert_slice(net_format(&servers[1], text), "[2001:db8::53]:53");
    assert_slice(net_format(&servers[2], text), "192.0.2.54:53");
    assert_int_equal(resolver_read_resolv_conf(S(""), servers, 3), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolv_conf_servers_are_read),
        cmocka_unit_test(test_records_of_each_kind_come_back),
        cmocka_unit_test(test_what_is_missing_is_told_apart),
        cmocka_unit_test(test_servers_are_asked_about_test_and_private_zones_too),
        cmocka_unit_test(test_same_question_at_once_is_asked_once_and_kept),
        cmocka_unit_test(test_answers_without_time_to_live_are_not_kept),
        cmocka_unit_test(test_that_there_is_nothing_is_kept_for_a_minute),
        cmocka_unit_test(test_kept_answers_are_bounded_and_parallel_questions_too),
        cmocka_unit_test(test_names_of_one_operator_do_not_take_all_places),
        cmocka_unit_test(test_silence_is_a_timeout_and_questions_are_withdrawn),
        cmocka_unit_test(test_where_one_server_is_silent_another_one_is_asked),
        cmocka_unit_test(test_hosts_are_found_through_the_resolver),
        cmocka_unit_test(test_unsigned_answers_below_a_trust_anchor_are_bogus),
        cmocka_unit_test(test_signed_answers_are_secure_and_badly_signed_ones_bogus),
        cmocka_unit_test(test_bad_trust_anchor_is_named),
    };
    return cmocka_run_group_tests_name("dns resolver", tests, NULL, NULL);
}
