/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "relay/world.h"

FIBER_TEST(message_goes_to_the_best_host) {
    struct fake_host hosts[] = {{.address = "192.0.2.1"}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "example.net");
    assert_int_equal(result->disposition, RELAY_DELIVERED);
    assert_slice(result->peer, "mx1.example.net [192.0.2.1]");
    assert_int_equal(hosts[0].messages, 1);
    assert_int_equal(hosts[1].connections, 0);
    assert_slice(buf_slice(&w.told),
                 "lookup: MX of example.net: 10 mx1.example.net, 20 mx2.example.net\n"
                 "lookup: mx1.example.net (preference 10) has address 192.0.2.1\n"
                 "lookup: mx2.example.net (preference 20) has address 192.0.2.2\n"
                 "connected: Connected to mx1.example.net [192.0.2.1] port 25\n");
    assert_slice(w.outcome.dialogue, "-- mx1.example.net [192.0.2.1]\n"
                                     "S: 220 fake\nC: EHLO mail.example.test\n"
                                     "S: 250-fake\nS: 250 HELP\n"
                                     "C: MAIL FROM:<tama@example.test>\nS: 250 ok\n"
                                     "C: RCPT TO:<mike@example.net>\nS: 250 ok\n"
                                     "C: DATA\nS: 354 go\nS: 250 ok\n");
    end(&w);
}

FIBER_TEST(what_the_search_for_hosts_says_goes_to_the_recipients) {
    struct fake_host hosts[] = {{0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    const struct relay_result *result = transmit(&w, "null.example");
    assert_int_equal(result->disposition, RELAY_NEVER);
    assert_slice(reply_text(&w, result),
                 "556 5.1.10 Domain null.example does not accept mail (null MX)");
    result = transmit(&w, "broken.example");
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_int_equal(result->reply.status.class, 4);
    assert_int_equal(transmit(&w, "nosuch.example")->disposition, RELAY_NEVER);
    assert_slice(buf_slice(&w.told), "lookup: MX of null.example: null MX, it takes no mail\n"
                                     "lookup: MX of broken.example: the name servers failed\n"
                                     "lookup: MX of nosuch.example: no such name\n");
    struct relay_stats stats;
    relay_stats(w.relay, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.destinations, 0);
    end(&w);
}

FIBER_TEST(smart_host_that_does_not_exist_is_a_passing_fault) {
    struct fake_host hosts[] = {{0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    static const struct recipient mike = {.address = {"mike@example.net", 16}};
    struct relay_job job = job_for(&w, "smart.example", &mike, 1);
    job.smart_host = job.to.no_mx = true;
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_LATER);
    assert_int_equal(w.outcome.results[0].reply.status.class, 4);
    end(&w);
}

FIBER_TEST(connection_is_used_again_without_look_up_and_closed_when_idle) {
    struct fake_host hosts[] = {{.address = "192.0.2.1"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(transmit(&w, "Example.NET")->disposition, RELAY_DELIVERED);
        assert_int_equal(fiber_sleep(4 * USEC_SEC), 0);
    }
    assert_int_equal(hosts[0].connections, 1);
    assert_int_equal(hosts[0].messages, 3);
    assert_int_equal(w.dns.asked, 5);
    assert_int_equal(hosts[0].quits, 0);
    assert_int_equal(fiber_sleep(2 * USEC_SEC), 0);
    assert_int_equal(hosts[0].quits, 1);
    assert_int_equal(hosts[0].open, 0);
    struct relay_stats stats;
    relay_stats(w.relay, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.reused, 2);
    end(&w);
}

FIBER_TEST(connection_ends_after_its_number_of_messages) {
    struct fake_host hosts[] = {{.address = "192.0.2.1"}, {0}};
    struct world w;
    begin(&w, hosts);
    w.options.messages_per_connection = 2;
    open_relay(&w);
    for (int i = 0; i < 5; i++)
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 3);
    end(&w);
}

FIBER_TEST(idle_connection_that_the_peer_closed_costs_nothing) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .idle_limit = 2 * USEC_SEC}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
        assert_int_equal(fiber_sleep(3 * USEC_SEC), 0);
    }
    assert_int_equal(hosts[0].connections, 3);
    assert_int_equal(hosts[1].connections, 0);
    end(&w);
}

FIBER_TEST(connection_that_dies_at_the_next_message_is_replaced_at_once) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .dies_when_idle = true}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].connections, 3);
    assert_int_equal(hosts[0].messages, 3);
    assert_int_equal(hosts[1].connections, 0);
    assert_true(
        slice_find(buf_slice(&w.told), S("unreachable: That connection was closed meanwhile")) > 0);
    end(&w);
}

FIBER_TEST(a_421_in_the_middle_leads_to_another_connection) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .messages_until_421 = 1}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    for (int i = 0; i < 2; i++)
        assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].messages + hosts[1].messages, 2);
    end(&w);
}

FIBER_TEST(hosts_that_take_few_recipients_get_them_in_several_transactions) {
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .rcpt_limit = 40, .extension = "PIPELINING"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    static struct recipient many[250];
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i].address = arena_printf(&w.a, "r%zu@example.net", i);
    struct relay_job job = job_for(&w, "example.net", many, ARRAY_SIZE(many));
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        assert_int_equal(w.outcome.results[i].disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].messages, 7);
    assert_int_equal(hosts[0].recipients, 250);
    assert_int_equal(hosts[0].connections, 1);
    end(&w);
}

FIBER_TEST(host_that_takes_no_recipient_at_all_is_not_asked_for_ever) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .rcpt = "452 4.5.3 too many"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    assert_int_equal(hosts[0].connections, 1);
    end(&w);
}

/* ------------------------------------------------------------------ pace */

struct sender {
    struct world *w;
    struct arena a;
    struct relay_outcome outcome;
    struct fiber *fiber;
    usec_t deadline;
    int r;
};

static void send_one(void *arg) {
    struct sender *s = arg;
    static const struct recipient mike = {.address = {"mike@example.net", 16}};
    struct relay_job job = job_for(s->w, "example.net", &mike, 1);
    job.voice = (struct relay_voice){0};
    _cleanup_(fiber_deadline_end) struct fiber_deadline d UNUSED =
        fiber_deadline_begin(s->deadline ? s->deadline : USEC_NEVER);
    s->r = relay_transmit(s->w->relay, &job, &s->a, &s->outcome);
}

static void send_many(struct world *w, struct sender *senders, size_t count, usec_t deadline) {
    for (size_t i = 0; i < count; i++) {
        senders[i] = (struct sender){.w = w, .deadline = deadline};
        assert_int_equal(fiber_start("sender", send_one, &senders[i], &senders[i].fiber), 0);
    }
    for (size_t i = 0; i < count; i++)
        fiber_join(senders[i].fiber);
}

static void senders_done(struct sender *senders, size_t count) {
    for (size_t i = 0; i < count; i++)
        arena_done(&senders[i].a);
}

FIBER_TEST(many_messages_share_few_connections) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .thinks = 10 * USEC_MS}, {0}};
    struct world w;
    static struct sender senders[200];
    begin(&w, hosts);
    open_relay(&w);
    send_many(&w, senders, ARRAY_SIZE(senders), 0);
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
        assert_int_equal(senders[i].outcome.results[0].disposition, RELAY_DELIVERED);
    assert_int_equal(hosts[0].messages, 200);
    assert_in_range(hosts[0].widest, 6, 20);
    assert_in_range(hosts[0].connections, 6, 24);
    senders_done(senders, ARRAY_SIZE(senders));
    end(&w);
}

FIBER_TEST(unreachable_destination_rests_and_those_who_wait_hear_it) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .connect_error = -ETIMEDOUT},
                                {.address = "192.0.2.2", .connect_error = -ECONNREFUSED},
                                {0}};
    struct world w;
    static struct sender senders[20];
    begin(&w, hosts);
    open_relay(&w);
    usec_t began = fiber_now();
    send_many(&w, senders, ARRAY_SIZE(senders), 0);
    assert_int_equal(fiber_now() - began, 30 * USEC_SEC);
    unsigned resting = 0;
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
        assert_int_equal(senders[i].outcome.results[0].disposition, RELAY_LATER);
        resting += senders[i].outcome.rest == USEC_MIN;
    }
    assert_int_equal(resting, 15);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_LATER);
    assert_slice(reply_text(&w, &w.outcome.results[0]),
                 "451 4.4.1 No host of example.net could be reached a short while ago; it rests "
                 "for 1 min 0 s");
    hosts[0].connect_error = 0;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    senders_done(senders, ARRAY_SIZE(senders));
    end(&w);
}

FIBER_TEST(postmaster_may_have_it_tried_in_spite_of_the_rest) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .connect_error = -ECONNREFUSED}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    static const struct recipient mike = {.address = {"mike@example.net", 16}};
    struct relay_job job = job_for(&w, "example.net", &mike, 1);
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    hosts[0].connect_error = 0;
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_LATER);
    job.ignore_rest = true;
    assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
    assert_int_equal(w.outcome.results[0].disposition, RELAY_DELIVERED);
    end(&w);
}

FIBER_TEST(connections_are_bounded_over_all_destinations) {
    struct fake_host hosts[] = {{.address = "192.0.2.1"}, {.address = "192.0.2.2"}, {0}};
    struct world w;
    begin(&w, hosts);
    w.options.connections = 1;
    open_relay(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(transmit(&w, "mx1.example.net")->disposition, RELAY_DELIVERED);
        assert_int_equal(transmit(&w, "mx2.example.net")->disposition, RELAY_DELIVERED);
        assert_int_equal(hosts[0].open + hosts[1].open, 1);
    }
    end(&w);
}

FIBER_TEST(deadline_of_the_caller_makes_it_later) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .thinks = USEC_MIN}, {0}};
    struct world w;
    static struct sender senders[8];
    begin(&w, hosts);
    open_relay(&w);
    usec_t began = fiber_now();
    send_many(&w, senders, ARRAY_SIZE(senders), fiber_now() + 10 * USEC_SEC);
    assert_int_equal(fiber_now() - began, 10 * USEC_SEC);
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
        assert_int_equal(senders[i].r, 0);
        assert_int_equal(senders[i].outcome.results[0].disposition, RELAY_LATER);
    }
    senders_done(senders, ARRAY_SIZE(senders));
    end(&w);
}

FIBER_TEST(cancel_leaves_nothing_behind) {
    struct fake_host hosts[] = {{.address = "192.0.2.1", .thinks = USEC_SEC}, {0}};
    for (usec_t at = 500 * USEC_MS; at < 6 * USEC_SEC; at += USEC_SEC) {
        struct world w;
        static struct sender senders[8];
        begin(&w, hosts);
        open_relay(&w);
        for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
            senders[i] = (struct sender){.w = &w};
            assert_int_equal(fiber_start("sender", send_one, &senders[i], &senders[i].fiber), 0);
        }
        assert_int_equal(fiber_sleep(at), 0);
        for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
            fiber_cancel(senders[i].fiber);
        for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
            fiber_join(senders[i].fiber);
            assert_int_equal(senders[i].r, -ECANCELED);
        }
        struct relay_stats stats;
        relay_stats(w.relay, &stats);
        assert_int_equal(stats.connections, 0);
        assert_int_equal(stats.destinations, 0);
        senders_done(senders, ARRAY_SIZE(senders));
        end(&w);
    }
}

FIBER_TEST(keeper_says_quit_when_it_is_stopped) {
    struct fake_host hosts[] = {{.address = "192.0.2.1"}, {0}};
    struct world w;
    begin(&w, hosts);
    open_relay(&w);
    assert_int_equal(transmit(&w, "example.net")->disposition, RELAY_DELIVERED);
    fiber_cancel(w.keeper);
    fiber_join(w.keeper);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(hosts[0].quits, 1);
    assert_int_equal(fiber_start("keeper", relay_keep, w.relay, &w.keeper), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_goes_to_the_best_host),
        cmocka_unit_test(test_what_the_search_for_hosts_says_goes_to_the_recipients),
        cmocka_unit_test(test_smart_host_that_does_not_exist_is_a_passing_fault),
        cmocka_unit_test(test_connection_is_used_again_without_look_up_and_closed_when_idle),
        cmocka_unit_test(test_connection_ends_after_its_number_of_messages),
        cmocka_unit_test(test_idle_connection_that_the_peer_closed_costs_nothing),
        cmocka_unit_test(test_connection_that_dies_at_the_next_message_is_replaced_at_once),
        cmocka_unit_test(test_a_421_in_the_middle_leads_to_another_connection),
        cmocka_unit_test(test_hosts_that_take_few_recipients_get_them_in_several_transactions),
        cmocka_unit_test(test_host_that_takes_no_recipient_at_all_is_not_asked_for_ever),
        cmocka_unit_test(test_many_messages_share_few_connections),
        cmocka_unit_test(test_unreachable_destination_rests_and_those_who_wait_hear_it),
        cmocka_unit_test(test_postmaster_may_have_it_tried_in_spite_of_the_rest),
        cmocka_unit_test(test_connections_are_bounded_over_all_destinations),
        cmocka_unit_test(test_deadline_of_the_caller_makes_it_later),
        cmocka_unit_test(test_cancel_leaves_nothing_behind),
        cmocka_unit_test(test_keeper_says_quit_when_it_is_stopped),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
