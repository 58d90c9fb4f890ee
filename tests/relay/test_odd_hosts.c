/* SPDX-License-Identifier: ISC */
/*
 * Hosts that speak SMTP after their own fashion: they get what they can take, and nobody's message
 * is returned or lost for it.
 */
#include "unit.h"

#include <errno.h>

#include "relay/world.h"

#define TO(text)                                                                                   \
    {                                                                                              \
        .address = { text, sizeof(text) - 1 }                                                      \
    }

FIBER_TEST(host_that_says_everything_twice_gets_its_recipients_one_by_one) {
    static const char *const extensions[] = {"PIPELINING", NULL};
    static const struct recipient to[] = {TO("nobody@example.net"), TO("mike@example.net"),
                                          TO("tama@example.net")};
    for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
        struct fake_host hosts[] = {{.address = "192.0.2.1",
                                     .doubles = true,
                                     .unknown = "nobody",
                                     .extension = extensions[i]},
                                    {0}};
        struct world w;
        begin(&w, hosts);
        open_relay(&w);
        struct relay_job job = job_for(&w, "example.net", to, ARRAY_SIZE(to));
        assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
        assert_int_equal(w.outcome.results[0].disposition, RELAY_LATER);
        assert_int_equal(w.outcome.results[1].disposition, RELAY_DELIVERED);
        assert_int_equal(w.outcome.results[2].disposition, RELAY_DELIVERED);
        assert_int_equal(hosts[0].messages, 2);
        assert_int_equal(hosts[0].recipients, 2);
        end(&w);
    }
}

FIBER_TEST(reply_that_comes_twice_makes_the_host_known_for_it) {
    static const struct recipient to[] = {TO("nobody@example.net"), TO("mike@example.net")};
    struct fake_host hosts[] = {{.address = "192.0.2.1",
                                 .greeting = "220 fake",
                                 .rcpt = "250 ok\r\n250 ok",
                                 .unknown = "nobody",
                                 .extension = "PIPELINING"},
                                {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    struct relay_job job = job_for(&w, "example.net", to, ARRAY_SIZE(to));
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
        assert_int_equal(w.outcome.results[0].disposition, RELAY_NEVER);
        assert_int_equal(w.outcome.results[1].disposition, RELAY_DELIVERED);
        assert_int_equal(hosts[0].messages, i);
        assert_int_equal(hosts[0].connections, 1 + i);
        assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    }
    end(&w);
}

FIBER_TEST(connection_whose_refusals_are_in_doubt_is_not_used_for_another_message) {
    static const struct recipient known[] = {TO("mike@example.net")};
    static const struct recipient unknown[] = {TO("nobody@example.net")};
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .rcpt = "250 ok\r\n250 ok", .unknown = "nobody"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    struct relay_job job = job_for(&w, "example.net", known, 1);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_DELIVERED);
    job = job_for(&w, "example.net", unknown, 1);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_NEVER);
    assert_int_equal(hosts[0].connections, 3);
    end(&w);
}

/* RFC 5321 §3.2 and §4.1.1.1: a host that knows no EHLO is greeted with HELO. */
FIBER_TEST(host_that_hangs_up_at_ehlo_is_greeted_with_helo_and_known_for_it) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .helo_only = true}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
        assert_int_equal(hosts[0].messages, i);
        assert_int_equal(hosts[0].connections, 1 + i);
        assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    }
    end(&w);
}

FIBER_TEST(message_that_helo_cannot_carry_waits_for_ehlo) {
    static const struct recipient to[] = {TO("mike@example.net")};
    struct fake_host hosts[] = {{.address = "192.0.2.1", .helo_only = true}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    struct relay_job job = job_for(&w, "example.net", to, 1);
    job.message.envelope.shape |= SHAPE_UTF8;
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_LATER);
    assert_int_equal(hosts[0].messages, 1);
    end(&w);
}

FIBER_TEST(those_who_wait_for_a_host_that_hung_up_hear_it_by_its_name_and_port) {
    static const struct recipient to[] = {TO("mike@example.net")};
    struct fake_host hosts[] = {{.address = "192.0.2.1", .helo_only = true}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    struct relay_job job = job_for(&w, "mx1.example.net", to, 1);
    job.to.no_mx = true;
    job.to.port = 3007;
    job.message.envelope.shape |= SHAPE_UTF8;
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_slice(reply_text(&w, &w.outcome.results[0]),
                 "451 4.4.1 No host of mx1.example.net:3007 could be reached a short while ago; it "
                 "rests for 1 min 0 s: Connection with mx1.example.net [192.0.2.1] lost (EHLO): "
                 "connection closed by the other side");
    assert_int_equal(hosts[0].connections, 1);
    end(&w);
}

/* RFC 2920 §3.2: who offers PIPELINING must keep what has come; who does not is asked without. */
FIBER_TEST(host_that_offers_pipelining_and_breaks_it_gets_one_command_at_a_time) {
    static const char *const broken[] = {"hang up", "503 5.5.1 bad sequence",
                                         "554 5.5.0 synchronization error"};
    static const struct recipient to[] = {TO("nobody@example.net"), TO("mike@example.net")};
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct fake_host hosts[] = {{.address = "192.0.2.1",
                                     .extension = "PIPELINING",
                                     .unknown = "nobody",
                                     .pipelined = broken[i]},
                                    {0}};
        struct world w;
        begin(&w, hosts);
        open_relay(&w);
        struct relay_job job = job_for(&w, "example.net", to, ARRAY_SIZE(to));
        for (unsigned n = 1; n <= 2; n++) {
            assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
            assert_int_equal(w.outcome.results[0].disposition, RELAY_NEVER);
            assert_int_equal(w.outcome.results[0].reply.code, 550);
            assert_int_equal(w.outcome.results[1].disposition, RELAY_DELIVERED);
            assert_int_equal(hosts[0].messages, n);
            assert_int_equal(hosts[0].connections, 1 + n);
            assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
        }
        end(&w);
    }
}

/* It answers in silence, for which another host of the domain need not wait a second time. */
FIBER_TEST(host_that_loses_what_is_pipelined_gets_one_command_at_a_time_the_next_time) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .extension = "PIPELINING", .pipelined = "dropped"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    assert_int_equal(hosts[0].connections, 1);
    assert_int_equal(fiber_sleep(10 * USEC_MIN), 0);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 2);
    end(&w);
}

FIBER_TEST(host_that_breaks_pipelining_inside_tls_is_not_asked_without_tls) {
    struct fake_host hosts[] = {{.address = "192.0.2.1",
                                 .extension = "PIPELINING",
                                 .starttls = true,
                                 .pipelined = "hang up"},
                                {0}};
    struct world w;
    struct problem problem;
    begin(&w, hosts);
    assert_int_equal(tls_client_new(&w.options.tls, &problem), 0);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_true(w.outcome.tls);
    assert_int_equal(hosts[0].with_tls, 2);
    tls_context_free(w.options.tls);
    end(&w);
}

/* RFC 5321 §4.2.4: a refusal of the protocol that comes again is one. */
FIBER_TEST(refusal_of_the_protocol_that_comes_again_counts) {
    static const struct recipient to[] = {TO("mike@example.net")};
    struct fake_host hosts[] = {{.address = "192.0.2.1",
                                 .extension = "PIPELINING",
                                 .mail = "503 5.5.1 say hello to the keeper first"},
                                {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    struct relay_job job = job_for(&w, "example.net", to, 1);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_NEVER);
    assert_int_equal(w.outcome.results[0].reply.code, 503);
    assert_int_equal(hosts[0].connections, 2);
    end(&w);
}

/*
 * A host that leaves behind each yes, which is asked for one recipient at a time or has got as many
 * as fit into a transaction. Nobody counts as delivered whom it was not asked for.
 */
static void send_to_leaving_host(bool one_by_one, size_t count, unsigned messages) {
    struct recipient to[150];
    struct fake_host hosts[] = {{.address = "192.0.2.1", .leaves_at_data_end = true}, {0}};
    struct net_addr host;
    struct world w;
    begin(&w, hosts);
    w.options.memory = host_memory_new();
    assert_int_equal(net_parse(S("192.0.2.1"), 25, &host), 0);
    if (one_by_one)
        host_memory_add(w.options.memory, HOST_SAYS_TOO_MUCH, &host, fiber_now());
    open_relay(&w);
    for (size_t i = 0; i < count; i++)
        to[i] = (struct recipient){.address = arena_printf(&w.a, "user%zu@example.net", i)};
    struct relay_job job = job_for(&w, "example.net", to, count);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    unsigned delivered = 0;
    for (size_t i = 0; i < count; i++) {
        const struct relay_result *result = &w.outcome.results[i];
        delivered += result->disposition == RELAY_DELIVERED;
        assert_int_equal(result->reply.code, result->disposition == RELAY_DELIVERED ? 250 : 451);
    }
    assert_int_equal(hosts[0].messages, messages);
    assert_int_equal(delivered, hosts[0].recipients);
    end(&w);
    host_memory_release(w.options.memory);
}

FIBER_TEST(host_that_leaves_behind_each_yes_is_asked_for_the_others_again) {
    send_to_leaving_host(true, 3, 3);
    send_to_leaving_host(false, 150, 2);
}

FIBER_TEST(recipients_whom_a_host_was_not_asked_for_wait) {
    send_to_leaving_host(true, 20, relay_options_default.attempts);
}

/* The queue waits for an hour, and would have all of them sent again. */
FIBER_TEST(slow_host_that_is_asked_one_by_one_gets_the_rest_another_time) {
    struct recipient to[100];
    struct fake_host hosts[] = {{.address = "192.0.2.1", .thinks = 20 * USEC_SEC}, {0}};
    struct net_addr host;
    struct world w;
    begin(&w, hosts);
    w.options.memory = host_memory_new();
    assert_int_equal(net_parse(S("192.0.2.1"), 25, &host), 0);
    host_memory_add(w.options.memory, HOST_SAYS_TOO_MUCH, &host, fiber_now());
    open_relay(&w);
    for (size_t i = 0; i < ARRAY_SIZE(to); i++)
        to[i] = (struct recipient){.address = arena_printf(&w.a, "user%zu@example.net", i)};
    struct relay_job job = job_for(&w, "example.net", to, ARRAY_SIZE(to));
    usec_t began = fiber_now();
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_in_range(fiber_now() - began, 30 * USEC_MIN, 55 * USEC_MIN);
    unsigned delivered = 0;
    for (size_t i = 0; i < ARRAY_SIZE(to); i++)
        delivered += w.outcome.results[i].disposition == RELAY_DELIVERED;
    assert_in_range(delivered, 20, 99);
    assert_int_equal(delivered, hosts[0].recipients);
    assert_slice(reply_text(&w, &w.outcome.results[99]),
                 "451 4.4.2 mx1.example.net [192.0.2.1] is slow, the recipients that are left "
                 "wait for the next attempt");
    end(&w);
    host_memory_release(w.options.memory);
}

/* RFC 5321 §5.1: where an address does not show that a host is ourselves, its name does. */
FIBER_TEST(host_with_our_own_name_ends_the_list_of_hosts) {
    static const struct recipient to[] = {TO("mike@example.net")};
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .ehlo = "250 mail.example.test"}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_NEVER);
    assert_int_equal(result->reply.status.subject, 4);
    assert_int_equal(result->reply.status.detail, 6);
    assert_int_equal(hosts[1].connections, 0);
    struct relay_job job = job_for(&w, "mx1.example.net", to, 1);
    job.to.no_mx = job.smart_host = true;
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_LATER);
    end(&w);
}

FIBER_TEST(host_with_our_own_name_behind_one_that_is_away_means_later) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .connect_error = -ECONNREFUSED},
        {.address = "192.0.2.2", .ehlo = "250-mail.example.test hello\r\n250 HELP"},
        {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    assert_int_equal(hosts[1].messages, 0);
    end(&w);
}

/* RFC 5321 §3.8: 421 closes for everybody; where it comes again, the others are let through. */
FIBER_TEST(recipient_at_whom_a_host_hangs_up_again_keeps_no_other_waiting) {
    static const struct recipient to[] = {TO("a@example.net"), TO("gone@example.net"),
                                          TO("b@example.net")};
    struct fake_host hosts[] = {{.address = "192.0.2.1", .farewell = "gone"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    struct relay_job job = job_for(&w, "example.net", to, ARRAY_SIZE(to));
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    for (size_t i = 0; i < ARRAY_SIZE(to); i++)
        assert_int_equal(w.outcome.results[i].disposition, RELAY_LATER);
    assert_int_equal(fiber_sleep(10 * USEC_MIN), 0);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_DELIVERED);
    assert_int_equal(w.outcome.results[1].disposition, RELAY_LATER);
    assert_int_equal(w.outcome.results[1].reply.code, 421);
    assert_int_equal(w.outcome.results[2].disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].recipients, 2);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_that_says_everything_twice_gets_its_recipients_one_by_one),
        cmocka_unit_test(test_reply_that_comes_twice_makes_the_host_known_for_it),
        cmocka_unit_test(
            test_connection_whose_refusals_are_in_doubt_is_not_used_for_another_message),
        cmocka_unit_test(test_host_that_hangs_up_at_ehlo_is_greeted_with_helo_and_known_for_it),
        cmocka_unit_test(test_message_that_helo_cannot_carry_waits_for_ehlo),
        cmocka_unit_test(test_those_who_wait_for_a_host_that_hung_up_hear_it_by_its_name_and_port),
        cmocka_unit_test(test_host_that_offers_pipelining_and_breaks_it_gets_one_command_at_a_time),
        cmocka_unit_test(
            test_host_that_loses_what_is_pipelined_gets_one_command_at_a_time_the_next_time),
        cmocka_unit_test(test_host_that_breaks_pipelining_inside_tls_is_not_asked_without_tls),
        cmocka_unit_test(test_refusal_of_the_protocol_that_comes_again_counts),
        cmocka_unit_test(test_host_that_leaves_behind_each_yes_is_asked_for_the_others_again),
        cmocka_unit_test(test_recipients_whom_a_host_was_not_asked_for_wait),
        cmocka_unit_test(test_slow_host_that_is_asked_one_by_one_gets_the_rest_another_time),
        cmocka_unit_test(test_host_with_our_own_name_ends_the_list_of_hosts),
        cmocka_unit_test(test_host_with_our_own_name_behind_one_that_is_away_means_later),
        cmocka_unit_test(test_recipient_at_whom_a_host_hangs_up_again_keeps_no_other_waiting),
    };
    return cmocka_run_group_tests_name("odd hosts", tests, NULL, NULL);
}
