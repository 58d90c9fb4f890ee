/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "conf/setting.h"
#include "relay/via.h"

static struct conf *settings(const char *text) {
    struct conf *conf = NULL;
    struct conf_problems problems = {0};
    if (conf_parse(slice_of_str(text), "settings", &conf, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problems.list[0].text));
    conf_problems_done(&problems);
    return conf;
}

#define HEAD "hostname mail.example.jp\ndns {\n dnssec no\n}\nrelay {\n password-file /p\n"

static void assert_way(const struct conf *conf, const char *domain, const char *rule,
                       const char *host, unsigned port) {
    struct arena a = {0};
    struct relay_via via;
    relay_via_find(conf, slice_of_str(domain), &a, &via);
    assert_slice(via.rule, rule);
    assert_slice(via.to.name, host);
    assert_int_equal(via.to.port, port);
    assert_int_equal(via.to.no_mx, via.fixed);
    assert_true(via.fixed == (via.host.len > 0));
    arena_done(&a);
}

static void the_closest_route_counts(void **state) {
    struct conf *conf = settings(HEAD "route .example.com below.test:26\n"
                                      "route .deep.example.com deep.test\n"
                                      "route example.com mx\n"
                                      "route Exact.example.com [2001:db8::1]:587\n"
                                      "smart-host smart.test:2525\n}\n");
    assert_way(conf, "a.example.com", "relay.route .example.com", "below.test", 26);
    assert_way(conf, "A.b.Example.COM", "relay.route .example.com", "below.test", 26);
    assert_way(conf, "a.deep.example.com", "relay.route .deep.example.com", "deep.test", 25);
    assert_way(conf, "deep.example.com", "relay.route .example.com", "below.test", 26);
    assert_way(conf, "example.com", "relay.route example.com", "example.com", 25);
    assert_way(conf, "exact.example.com", "relay.route exact.example.com", "[IPv6:2001:db8::1]",
               587);
    assert_way(conf, "badexample.com", "relay.smart-host", "smart.test", 2525);
    conf_free(conf);
    conf = settings(HEAD "route * all.test\nsmart-host smart.test\n}\n");
    assert_way(conf, "example.com", "relay.route *", "all.test", 25);
    conf_free(conf);
    conf = settings(HEAD "}\n");
    assert_way(conf, "Example.com", "", "example.com", 25);
    conf_free(conf);
}

static void policies_of_a_domain_count_where_the_settings_say_nothing_of_tls(void **state) {
    static const struct {
        const char *domain;
        bool policies;
        const char *destination;
    } expected[] = {
        {"a.test", true, "a.test"},  {"b.test", false, "b.test"},
        {"c.test", false, "c.test"}, {"d.test", false, "r.test:587 as one"},
        {"e.test", true, "r.test"},  {"f.test", false, "r.test, tls=may"},
        {"x.test", true, "x.test"},
    };
    struct conf *conf = settings(HEAD "route a.test mx\n"
                                      "route b.test mx tls=may\n"
                                      "route c.test mx tls=encrypt\n"
                                      "route d.test r.test:587 user=one\n"
                                      "route e.test r.test\n"
                                      "route f.test r.test tls=may\n}\n");
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        struct arena a = {0};
        struct relay_via via;
        relay_via_find(conf, slice_of_str(expected[i].domain), &a, &via);
        assert_int_equal(via.policies, expected[i].policies);
        assert_slice(via.destination, expected[i].destination);
        arena_done(&a);
    }
    conf_free(conf);
    conf = settings(HEAD "tls no\n}\n");
    struct arena a = {0};
    struct relay_via via;
    relay_via_find(conf, S("x.test"), &a, &via);
    assert_false(via.policies);
    arena_done(&a);
    conf_free(conf);
}

static void what_goes_the_same_way_shares_a_destination(void **state) {
    struct conf *conf = settings(HEAD "route a.test r.test:587 user=one\n"
                                      "route b.test r.test:587 user=one\n"
                                      "route c.test r.test:587 user=two\n"
                                      "route d.test mx tls=encrypt\n"
                                      "route e.test r.test:587 user=one tls=encrypt\n"
                                      "route f.test r.test:587 user=one tls=verify\n"
                                      "route g.test r.test:465 tls=encrypt\n"
                                      "route h.test r.test:465\n"
                                      "smart-host r.test\nsmart-host-tls verify\n}\n");
    static const char *const expected[][2] = {{"a.test", "r.test:587 as one"},
                                              {"b.test", "r.test:587 as one"},
                                              {"c.test", "r.test:587 as two"},
                                              {"D.test", "d.test"},
                                              {"e.test", "r.test:587 as one, tls=encrypt"},
                                              {"f.test", "r.test:587 as one"},
                                              {"g.test", "r.test:465"},
                                              {"h.test", "r.test:465"},
                                              {"x.test", "r.test, tls=verify"}};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        struct arena a = {0};
        struct relay_via via;
        relay_via_find(conf, slice_of_str(expected[i][0]), &a, &via);
        assert_slice(via.destination, expected[i][1]);
        arena_done(&a);
    }
    conf_free(conf);
}

/* Until a reload has reached everybody, what was put together may belong apart. */
static void what_was_put_together_by_other_settings_is_told_apart(void **state) {
    struct conf *before = settings(HEAD "smart-host smart.test\n}\n");
    struct conf *now = settings(HEAD "route a.test smart.test\n}\n");
    assert_true(relay_via_leads_to(before, S("a.test"), S("smart.test")));
    assert_true(relay_via_leads_to(before, S("B.test"), S("smart.test")));
    assert_true(relay_via_leads_to(now, S("A.test"), S("smart.test")));
    assert_false(relay_via_leads_to(now, S("b.test"), S("smart.test")));
    assert_true(relay_via_leads_to(now, S("B.test"), S("b.test")));
    assert_false(relay_via_leads_to(before, S("b.test"), S("b.test")));
    conf_free(before);
    conf_free(now);
}

static void login_means_verified_tls_unless_said_otherwise(void **state) {
    static const struct {
        const char *settings;
        enum relay_tls tls;
        bool first, verifies;
    } ways[] = {
        {"route x.test r.test", RELAY_TLS_MAY, false, false},
        {"route x.test r.test user=u", RELAY_TLS_VERIFY, false, true},
        {"route x.test r.test user=u tls=encrypt", RELAY_TLS_ENCRYPT, false, false},
        {"route x.test r.test user=u tls=may", RELAY_TLS_MAY, false, false},
        {"route x.test mx tls=verify", RELAY_TLS_VERIFY, false, true},
        {"route x.test mx tls=never", RELAY_TLS_NEVER, false, false},
        {"route x.test r.test:465", RELAY_TLS_ENCRYPT, true, false},
        {"route x.test r.test:465 user=u", RELAY_TLS_VERIFY, true, true},
        {"smart-host r.test\nsmart-host-user u", RELAY_TLS_VERIFY, false, true},
        {"smart-host r.test\nsmart-host-user u\nsmart-host-tls may", RELAY_TLS_MAY, false, false},
        {"smart-host r.test\nsmart-host-tls verify", RELAY_TLS_VERIFY, false, true},
        {"tls no", RELAY_TLS_NEVER, false, false},
        {"tls no\nroute x.test mx tls=encrypt", RELAY_TLS_ENCRYPT, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct arena a = {0};
        struct relay_via via;
        struct slice text = arena_printf(&a, HEAD "%s\n}\n", ways[i].settings);
        struct conf *conf = settings(text.ptr);
        relay_via_find(conf, S("x.test"), &a, &via);
        assert_int_equal(via.tls, ways[i].tls);
        assert_int_equal(via.tls_first, ways[i].first);
        assert_int_equal(relay_via_verifies(conf), ways[i].verifies);
        conf_free(conf);
        arena_done(&a);
    }
}

static void password_is_what_stands_behind_host_and_user(void **state) {
    struct slice text = S("# r.test lab commented\n"
                          "\n"
                          "r.test other no\r\n"
                          "r.test lab\n"
                          "  R.test\tlab   two words \"and quotes\" \r\n"
                          "r.test lab second\n"
                          "last.test lab end");
    assert_slice(relay_password_find(text, S("r.test"), S("lab")), "two words \"and quotes\"");
    assert_slice(relay_password_find(text, S("last.test"), S("lab")), "end");
    assert_null(relay_password_find(text, S("r.test"), S("LAB")).ptr);
    assert_null(relay_password_find(text, S("test"), S("lab")).ptr);
    assert_null(relay_password_find(S(""), S("r.test"), S("lab")).ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_closest_route_counts),
        cmocka_unit_test(policies_of_a_domain_count_where_the_settings_say_nothing_of_tls),
        cmocka_unit_test(what_goes_the_same_way_shares_a_destination),
        cmocka_unit_test(what_was_put_together_by_other_settings_is_told_apart),
        cmocka_unit_test(login_means_verified_tls_unless_said_otherwise),
        cmocka_unit_test(password_is_what_stands_behind_host_and_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
