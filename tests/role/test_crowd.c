/* SPDX-License-Identifier: ISC */
/*
 * Limits of connections at an edge.
 */
#include "unit.h"

#include <stdio.h>

#include "role/edge/crowd.h"

static struct crowd crowd;
static struct conf *conf;

static struct crowd_place *places[3000];
static enum crowd_kind kinds[3000];
static unsigned inside;

static int begin(void **state) {
    (void)state;
    conf = conf_new();
    conf->smtp.connections_per_address = 5;
    conf->submission.connections_per_address = 5;
    conf->pop3.connections_per_address = 5;
    conf->imap.connections_per_address = 5;
    conf->smtp.connections_max = 100;
    conf->pop3.connections_max = 50;
    conf->imap.connections_max = 50;
    return 0;
}

static int end(void **state) {
    (void)state;
    while (inside > 0) {
        inside--;
        crowd_leave(&crowd, places[inside], kinds[inside]);
    }
    assert_int_equal(crowd.count, 0);
    assert_int_equal(crowd.places.count, 0);
    map_done(&crowd.places);
    conf_free(conf);
    return 0;
}

static enum crowd_verdict enter(const char *from, enum crowd_kind kind) {
    struct net_addr addr;
    assert_int_equal(net_parse(slice_of_str(from), 0, &addr), 0);
    kinds[inside] = kind;
    return crowd_enter(&crowd, &addr, kind, conf, &places[inside++]);
}

static void enter_many(unsigned count, enum crowd_kind kind, enum crowd_verdict verdict) {
    static unsigned next;
    char text[64];
    for (unsigned i = 0; i < count; i++, next++) {
        (void)snprintf(text, sizeof text, "192.0.%u.%u", next / 250, 1 + next % 250);
        assert_int_equal(enter(text, kind), verdict);
    }
}

static void test_an_address_has_its_share_of_each_kind(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(enter("192.0.2.1", CROWD_READERS), CROWD_WELCOME);
    assert_int_equal(enter("192.0.2.1", CROWD_READERS), CROWD_TOO_MANY);
    assert_int_equal(enter("192.0.2.1", CROWD_SENDERS), CROWD_WELCOME);
    assert_int_equal(enter("192.0.2.2", CROWD_READERS), CROWD_WELCOME);
    inside--;
    crowd_leave(&crowd, places[inside], kinds[inside]);
}

/* A whole office may be behind one address. */
static void test_who_has_logged_in_counts_for_his_address_no_more(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 5; i++) {
            const char *from = i % 2 ? "2001:db8:1:1::1" : "192.0.2.1";
            assert_int_equal(enter(from, CROWD_KEEPERS), CROWD_WELCOME);
            crowd_log_in(&crowd, &places[inside - 1], CROWD_KEEPERS);
            assert_null(places[inside - 1]);
        }
    }
    assert_int_equal(crowd.places.count, 0);
    assert_int_equal(enter("192.0.2.1", CROWD_KEEPERS), CROWD_FULL); /* but among all */
    assert_int_equal(enter("192.0.2.1", CROWD_READERS), CROWD_WELCOME);
    inside--;
    crowd_leave(&crowd, places[inside], kinds[inside]);
}

/* A customer is given 48 bits; what differs behind them is his to choose. */
static void test_a_site_of_48_bits_has_the_share_of_sixteen_addresses(void **state) {
    (void)state;
    char text[64];
    for (unsigned i = 0; i < 16 * 5; i++) {
        (void)snprintf(text, sizeof text, "2001:db8:1:%x::1", i);
        assert_int_equal(enter(text, CROWD_READERS), i < 50 ? CROWD_WELCOME : CROWD_FULL);
    }
    assert_int_equal(enter("2001:db8:1:ffff::1", CROWD_READERS), CROWD_TOO_MANY);
    assert_int_equal(enter("2001:db8:1:ffff::1", CROWD_SENDERS), CROWD_WELCOME);
    assert_int_equal(enter("2001:db8:2:ffff::1", CROWD_READERS), CROWD_FULL);
}

static void test_this_host_and_trusted_networks_have_no_limit(void **state) {
    (void)state;
    struct net_range trusted;
    assert_int_equal(net_range_parse(S("198.51.100.0/24"), &trusted), 0);
    conf->smtp.trusted_networks = (struct conf_networks){.list = &trusted, .count = 1};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(enter("127.0.0.1", CROWD_STRANGERS), CROWD_WELCOME);
        assert_int_equal(enter("::1", CROWD_SENDERS), CROWD_WELCOME);
        assert_int_equal(enter("198.51.100.7", CROWD_READERS), CROWD_WELCOME);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(enter("198.51.101.7", CROWD_READERS),
                         i < 5 ? CROWD_WELCOME : CROWD_TOO_MANY);
    conf->smtp.trusted_networks = (struct conf_networks){0};
}

static void test_a_network_of_64_bits_is_one_address(void **state) {
    (void)state;
    assert_int_equal(enter("2001:db8:1:1::1", CROWD_STRANGERS), CROWD_WELCOME);
    assert_int_equal(enter("2001:db8:1:1::2", CROWD_STRANGERS), CROWD_WELCOME);
    assert_int_equal(enter("2001:db8:1:1:2::", CROWD_STRANGERS), CROWD_WELCOME);
    assert_int_equal(enter("2001:db8:1:1:3::", CROWD_STRANGERS), CROWD_WELCOME);
    assert_int_equal(enter("2001:db8:1:1:ffff::", CROWD_STRANGERS), CROWD_WELCOME);
    assert_int_equal(enter("2001:db8:1:1:4::", CROWD_STRANGERS), CROWD_TOO_MANY);
    assert_int_equal(enter("2001:db8:1:2::1", CROWD_STRANGERS), CROWD_WELCOME);
}

static void test_strangers_do_not_take_the_places_of_users(void **state) {
    (void)state;
    enter_many(80, CROWD_STRANGERS, CROWD_WELCOME);
    enter_many(3, CROWD_STRANGERS, CROWD_FULL);
    enter_many(17, CROWD_SENDERS, CROWD_WELCOME);
    enter_many(1, CROWD_SENDERS, CROWD_FULL);
    enter_many(50, CROWD_READERS, CROWD_WELCOME);
    enter_many(1, CROWD_READERS, CROWD_FULL);
    enter_many(50, CROWD_KEEPERS, CROWD_WELCOME);
    enter_many(1, CROWD_KEEPERS, CROWD_FULL);
}

static void test_timeouts_shrink_before_it_is_full(void **state) {
    (void)state;
    enter_many(50, CROWD_READERS, CROWD_WELCOME);
    enter_many(60, CROWD_STRANGERS, CROWD_WELCOME);
    assert_false(crowd_is_dense(&crowd, conf));
    enter_many(1, CROWD_STRANGERS, CROWD_WELCOME);
    assert_true(crowd_is_dense(&crowd, conf));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_address_has_its_share_of_each_kind, begin, end),
        cmocka_unit_test_setup_teardown(test_who_has_logged_in_counts_for_his_address_no_more,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_a_site_of_48_bits_has_the_share_of_sixteen_addresses,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_this_host_and_trusted_networks_have_no_limit, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_network_of_64_bits_is_one_address, begin, end),
        cmocka_unit_test_setup_teardown(test_strangers_do_not_take_the_places_of_users, begin, end),
        cmocka_unit_test_setup_teardown(test_timeouts_shrink_before_it_is_full, begin, end),
    };
    return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
