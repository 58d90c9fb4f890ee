/* SPDX-License-Identifier: ISC */
/*
 * Which host of a domain is tried after which (RFC 5321 §5.1), and the same host without TLS.
 */
#include "unit.h"

#include <errno.h>

#include "relay/world.h"

FIBER_TEST(next_host_follows_when_one_cannot_be_reached_rfc5321_5_1) {
    static const int errors[] = {-ECONNREFUSED, -ETIMEDOUT};
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct fake_host hosts[] = {
            {.address = "192.0.2.1", .connect_error = errors[i]}, {.address = "192.0.2.2"}, {0}};
        struct world w;
        begin(&w, hosts);
        open_relay(&w);
        usec_t began = fiber_now();
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
        assert_int_equal(fiber_now() - began, errors[i] == -ETIMEDOUT ? 30 * USEC_SEC : 0);
        assert_int_equal(hosts[1].messages, 1);
        end(&w);
    }
}

FIBER_TEST(next_host_follows_when_one_refuses_or_dies_before_the_dot) {
    struct fake_host bad[] = {
        {.address = "192.0.2.1", .greeting = "554 go away"},
        {.address = "192.0.2.1", .greeting = "421 busy"},
        {.address = "192.0.2.1", .greeting = "HTTP/1.1 400 Bad Request"},
        {.address = "192.0.2.1", .dies_at_rcpt = true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct fake_host hosts[] = {bad[i], {.address = "192.0.2.2"}, {0}};
        struct world w;
        begin(&w, hosts);
        open_relay(&w);
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
        assert_int_equal(hosts[0].connections, 1);
        assert_int_equal(hosts[1].messages, 1);
        end(&w);
    }
}

/* At each stage, a host that answers with 4yz is followed by the next one of the domain. */
FIBER_TEST(temporary_refusal_is_followed_by_the_next_host_rfc5321_5_1) {
    struct fake_host refusing[] = {
        {.address = "192.0.2.1", .greeting = "421 4.3.2 later"},
        {.address = "192.0.2.1", .greeting = "450 4.3.2 later"},
        {.address = "192.0.2.1", .ehlo = "450 4.3.2 later"},
        {.address = "192.0.2.1", .mail = "452 4.3.1 later"},
        {.address = "192.0.2.1", .mail = "421 4.3.1 later"},
        {.address = "192.0.2.1", .rcpt = "450 4.2.0 later"},
        {.address = "192.0.2.1", .rcpt = "452 4.5.3 later"},
        {.address = "192.0.2.1", .data = "451 4.3.0 later"},
        {.address = "192.0.2.1", .data_end = "451 4.3.0 later"},
        {.address = "192.0.2.1", .data_end = "421 4.3.0 later"},
        {.address = "192.0.2.1", .mail = "452 4.3.1 later", .extension = "PIPELINING"},
        {.address = "192.0.2.1", .rcpt = "450 4.2.0 later", .extension = "PIPELINING"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(refusing); i++) {
        struct fake_host hosts[] = {refusing[i], {.address = "192.0.2.2"}, {0}};
        struct world w;
        begin(&w, hosts);
        open_relay(&w);
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
        assert_slice(w.outcome.results[0].peer, "mx2.example.net [192.0.2.2]");
        assert_int_equal(hosts[0].connections, 1);
        assert_int_equal(hosts[1].messages, 1);
        ssize_t told = slice_find(buf_slice(&w.told), S("mx1.example.net [192.0.2.1] "));
        told += slice_find(slice_from(buf_slice(&w.told), (size_t)told), S(" later\n"));
        assert_true(told > 0);
        end(&w);
    }
}

FIBER_TEST(put_off_only_when_every_host_has_refused) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .mail = "452 4.3.1 full"},
                                {.address = "192.0.2.2", .data_end = "451 4.3.0 busy"},
                                {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_slice(reply_text(&w, result), "451 4.3.0 busy");
    assert_int_equal(hosts[0].connections + hosts[1].connections, 2);
    assert_true(slice_find(w.outcome.dialogue, S("452 4.3.1 full")) > 0);
    hosts[1].connect_error = -ECONNREFUSED;
    w.options.idle = 0;
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    result = transmit(&w, "example.net");
    assert_slice(reply_text(&w, result), "452 4.3.1 full");
    assert_slice(result->peer, "mx1.example.net [192.0.2.1]");
    assert_int_equal(w.outcome.rest, 0);
    end(&w);
}

/* Accepted ones stay accepted, a no settles, and only those that were put off go on. */
FIBER_TEST(each_recipient_goes_its_own_way_over_the_hosts) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .later = "later", .extension = "PIPELINING"},
        {.address = "192.0.2.2", .extension = "PIPELINING"},
        {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    static const struct recipient three[] = {{.address = {"now@example.net", 15}},
                                             {.address = {"later1@example.net", 18}},
                                             {.address = {"later2@example.net", 18}}};
    struct relay_job job = job_for(&w, "example.net", three, 3);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    static const char *const peers[] = {"mx1.example.net [192.0.2.1]",
                                        "mx2.example.net [192.0.2.2]",
                                        "mx2.example.net [192.0.2.2]"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(w.outcome.results[i].disposition, RELAY_DELIVERED);
        assert_slice(w.outcome.results[i].peer, peers[i]);
    }
    assert_int_equal(hosts[0].recipients, 1);
    assert_int_equal(hosts[1].recipients, 2);
    hosts[1].rcpt = "550 5.1.1 nobody";
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_DELIVERED);
    assert_int_equal(w.outcome.results[2].disposition, RELAY_NEVER);
    assert_int_equal(hosts[0].recipients, 2);
    end(&w);
}

/* An idle connection leads to a host of the list: it is not asked a second time. */
FIBER_TEST(refusal_over_an_idle_connection_is_followed_by_another_host) {
    struct fake_host hosts[] = {{.address = "192.0.2.1"}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    hosts[0].mail = "452 4.3.1 full";
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 1);
    assert_int_equal(hosts[1].messages, 1);
    hosts[1].mail = "452 4.3.1 full";
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    assert_int_equal(hosts[0].connections + hosts[1].connections, 3);
    end(&w);
}

static const struct fake_record many_hosts[] = {
    {"example.net", DNS_MX, "10 mx1.example.net"},
    {"example.net", DNS_MX, "20 mx2.example.net"},
    {"example.net", DNS_MX, "30 mx3.example.net"},
    {"example.net", DNS_MX, "40 mx4.example.net"},
    {"example.net", DNS_MX, "50 mx5.example.net"},
    {"example.net", DNS_MX, "60 mx6.example.net"},
    {"mx1.example.net", DNS_A, "192.0.2.11"},
    {"mx1.example.net", DNS_A, "192.0.2.12"},
    {"mx1.example.net", DNS_A, "192.0.2.13"},
    {"mx2.example.net", DNS_A, "192.0.2.2"},
    {"mx3.example.net", DNS_A, "192.0.2.3"},
    {"mx4.example.net", DNS_A, "192.0.2.4"},
    {"mx5.example.net", DNS_A, "192.0.2.5"},
    {"mx6.example.net", DNS_A, "192.0.2.6"},
    {0},
};

/* A message that everybody puts off (greylisting) costs a bounded number of conversations. */
FIBER_TEST(hosts_that_put_it_off_are_not_asked_without_end) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.11"}, {.address = "192.0.2.12"}, {.address = "192.0.2.13"},
        {.address = "192.0.2.2"},  {.address = "192.0.2.3"},  {.address = "192.0.2.4"},
        {.address = "192.0.2.5"},  {.address = "192.0.2.6"},  {0}};
    for (size_t i = 0; hosts[i].address; i++)
        hosts[i].rcpt = "450 4.7.1 greylisted";
    struct world w;
    begin(&w, hosts);
    w.dns.records = many_hosts;
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    unsigned first = hosts[0].connections + hosts[1].connections + hosts[2].connections, all = 0;
    for (size_t i = 0; hosts[i].address; i++)
        all += hosts[i].connections;
    assert_int_equal(all, 5);
    assert_int_equal(first, 2);
    end(&w);
}

/* RFC 5321 §5.1: the second host is there for the time when nobody answers at the first. */
static const struct fake_record many_addresses[] = {
    {"example.net", DNS_MX, "10 mx1.example.net"},
    {"example.net", DNS_MX, "20 mx2.example.net"},
    {"mx1.example.net", DNS_A, "192.0.2.101"},
    {"mx1.example.net", DNS_A, "192.0.2.102"},
    {"mx1.example.net", DNS_A, "192.0.2.103"},
    {"mx1.example.net", DNS_A, "192.0.2.104"},
    {"mx1.example.net", DNS_A, "192.0.2.105"},
    {"mx1.example.net", DNS_A, "192.0.2.106"},
    {"mx1.example.net", DNS_A, "192.0.2.107"},
    {"mx1.example.net", DNS_A, "192.0.2.108"},
    {"mx1.example.net", DNS_A, "192.0.2.109"},
    {"mx2.example.net", DNS_A, "192.0.2.2"},
    {0},
};

FIBER_TEST(dead_host_with_many_addresses_leaves_tries_for_the_next_one) {
    struct fake_host hosts[] = {{.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    w.dns.records = many_addresses;
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 1);
    end(&w);
}

FIBER_TEST(hosts_that_take_their_time_to_refuse_are_not_asked_without_end) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .thinks = 4 * USEC_MIN, .mail = "451 4.3.0 slow"},
        {.address = "192.0.2.2"},
        {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    assert_int_equal(hosts[1].connections, 0);
    end(&w);
}

FIBER_TEST(lost_after_the_final_dot_is_later_and_no_other_host_is_tried) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .dies_at_data_end = true}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_int_equal(hosts[1].connections, 0);
    end(&w);
}

FIBER_TEST(refused_recipient_is_not_offered_to_another_host) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .rcpt = "550 5.1.1 unknown"}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_NEVER);
    assert_slice(reply_text(&w, result), "550 5.1.1 unknown");
    assert_int_equal(hosts[1].connections, 0);
    end(&w);
}

FIBER_TEST(all_hosts_refusing_for_good_is_permanent_one_passing_fault_is_not) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .greeting = "554 go away"},
                                {.address = "192.0.2.2", .greeting = "554 you too"},
                                {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_NEVER);
    hosts[0].greeting = "421 busy";
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_slice(reply_text(&w, result), "421 4.0.0 busy");
    end(&w);
}

FIBER_TEST(tls_is_used_when_offered_and_left_out_when_broken) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .starttls = true}, {0}};
    struct world w;
    struct problem problem;
    begin(&w, hosts);
    assert_int_equal(tls_client_new(&w.options.tls, &problem), 0);
    w.options.idle = 0;
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_true(w.outcome.tls);
    assert_int_equal(hosts[0].with_tls, 1);
    assert_true(slice_find(buf_slice(&w.told), S("tls: TLSv1.3 with TLS_")) > 0);

    hosts[0].tls_broken = true;
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_false(w.outcome.tls);
    assert_int_equal(hosts[0].with_tls, 1);
    assert_int_equal(hosts[0].connections, 3);
    assert_true(slice_find(buf_slice(&w.told), S("tls: TLS failed: ")) > 0);
    assert_true(slice_find(buf_slice(&w.told), S("tls: Trying again without TLS")) > 0);
    tls_context_free(w.options.tls);
    end(&w);
}

/* RFC 7435: whatever becomes of TLS, the message goes on at once, without. */
FIBER_TEST(tls_that_fails_anywhere_keeps_no_message_back) {
    struct fake_host broken[] = {
        {.tls_ends = "STARTTLS"}, {.tls_broken = true}, {.tls_ends = "EHLO"},
        {.tls_ends = "MAIL"},     {.tls_ends = "RCPT"}, {.tls_ends = "DATA"},
    };
    for (size_t i = 0; i < 2 * ARRAY_SIZE(broken); i++) {
        struct fake_host hosts[] = {broken[i / 2], {0}};
        struct world w;
        struct problem problem;
        hosts[0].address = "192.0.2.1";
        hosts[0].starttls = true;
        hosts[0].tls_silent = i % 2;
        begin(&w, hosts);
        assert_int_equal(tls_client_new(&w.options.tls, &problem), 0);
        open_relay(&w);
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
        assert_false(w.outcome.tls);
        assert_int_equal(hosts[0].connections, 2);
        assert_true(slice_find(buf_slice(&w.told), S("tls: Trying again without TLS")) > 0);
        tls_context_free(w.options.tls);
        end(&w);
    }
}

FIBER_TEST(tls_that_fails_after_the_final_dot_is_left_out_the_next_time) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .starttls = true, .tls_ends = "."}, {0}};
    struct world w;
    struct problem problem;
    begin(&w, hosts);
    assert_int_equal(tls_client_new(&w.options.tls, &problem), 0);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_true(result->unsure);
    assert_int_equal(hosts[0].connections, 1);
    assert_int_equal(fiber_sleep(5 * USEC_HOUR), 0);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_false(w.outcome.tls);
    tls_context_free(w.options.tls);
    end(&w);
}

FIBER_TEST(host_where_tls_failed_is_spoken_to_without_for_hours) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .starttls = true, .tls_broken = true},
                                {0}};
    struct world w;
    struct problem problem;
    begin(&w, hosts);
    assert_int_equal(tls_client_new(&w.options.tls, &problem), 0);
    w.options.idle = 0;
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 2);
    hosts[0].tls_broken = false;
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 3);
    assert_int_equal(hosts[0].with_tls, 0);
    assert_true(slice_find(buf_slice(&w.told), S("tls: Without TLS, which failed with ")) > 0);
    assert_int_equal(fiber_sleep(7 * USEC_HOUR), 0);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].with_tls, 1);
    tls_context_free(w.options.tls);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_host_follows_when_one_cannot_be_reached_rfc5321_5_1),
        cmocka_unit_test(test_next_host_follows_when_one_refuses_or_dies_before_the_dot),
        cmocka_unit_test(test_temporary_refusal_is_followed_by_the_next_host_rfc5321_5_1),
        cmocka_unit_test(test_put_off_only_when_every_host_has_refused),
        cmocka_unit_test(test_each_recipient_goes_its_own_way_over_the_hosts),
        cmocka_unit_test(test_refusal_over_an_idle_connection_is_followed_by_another_host),
        cmocka_unit_test(test_hosts_that_put_it_off_are_not_asked_without_end),
        cmocka_unit_test(test_dead_host_with_many_addresses_leaves_tries_for_the_next_one),
        cmocka_unit_test(test_hosts_that_take_their_time_to_refuse_are_not_asked_without_end),
        cmocka_unit_test(test_lost_after_the_final_dot_is_later_and_no_other_host_is_tried),
        cmocka_unit_test(test_refused_recipient_is_not_offered_to_another_host),
        cmocka_unit_test(test_all_hosts_refusing_for_good_is_permanent_one_passing_fault_is_not),
        cmocka_unit_test(test_tls_is_used_when_offered_and_left_out_when_broken),
        cmocka_unit_test(test_tls_that_fails_anywhere_keeps_no_message_back),
        cmocka_unit_test(test_tls_that_fails_after_the_final_dot_is_left_out_the_next_time),
        cmocka_unit_test(test_host_where_tls_failed_is_spoken_to_without_for_hours),
    };
    return cmocka_run_group_tests_name("hosts", tests, NULL, NULL);
}
