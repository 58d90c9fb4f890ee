/* SPDX-License-Identifier: ISC */
/*
 * What strangers can fill of an edge: the event log, with what they are refused for, and memory.
 */
#include "role/lone.h"

#include "io/stream.h"
#include "role/edge/edge.h"

#define BURST 1000U

/* They are there, and have nothing: an edge waits some seconds for those that are not. */
static const struct rpc_keys_handlers no_certificate;
static const struct rpc_directory_handlers no_facts;

static struct lone *begin(void) {
    struct lone *l = lone_new(ROLE_EDGE);
    lone_peer(l, ROLE_KEYS, &no_certificate, NULL);
    lone_peer(l, ROLE_DIRECTORY, &no_facts, NULL);
    lone_set(l, "smtp.memory-max", "64M");
    lone_set(l, "smtp.trusted-networks", "192.0.2.128/25");
    lone_open(l);
    return l;
}

static struct edge_connection connection(struct lone *l, const char *address) {
    struct edge_connection c = {.edge = l->process.state,
                                .door = &all_doors.list[0],
                                .settings = process_settings_hold(&l->process)};
    assert_int_equal(net_parse(slice_of_str(address), 25, &c.peer), 0);
    assert_int_equal(slice_to_str(slice_of_str(address), c.peer_text, sizeof c.peer_text), 0);
    process_settings_release(c.settings); /* the process has them longer than this test */
    return c;
}

static unsigned events_of(const struct edge_connection *c, unsigned times) {
    unsigned logged = 0;
    for (unsigned i = 0; i < times; i++)
        logged += edge_may_log(c);
    return logged;
}

/* Ten a second come back: a test that runs for a moment may see some. */
#define assert_about_burst(n) assert_in_range(n, BURST, BURST + 50)

REAL_FIBER_TEST(a_client_that_is_refused_again_and_again_fills_no_log) {
    struct lone *l = begin();
    struct edge_connection one = connection(l, "192.0.2.1"), other = connection(l, "192.0.2.2");
    assert_about_burst(events_of(&one, 5 * BURST));
    assert_about_burst(events_of(&other, 5 * BURST)); /* it has its own */
    edge_log_left_out(l->process.state);
    edge_log_left_out(l->process.state);
    assert_true(lone_has_told(l, "the last such client was 192.0.2.2"));
    struct slice told = buf_slice(&l->told);
    ssize_t first = slice_find(told, S("were left out"));
    assert_true(slice_find(slice_from(told, (size_t)first + 1), S("were left out")) < 0);
    lone_end(l);
}

/* One customer has a /48, with 2^80 addresses. */
REAL_FIBER_TEST(a_site_of_ipv6_is_one_client) {
    struct lone *l = begin();
    struct edge_connection one = connection(l, "2001:db8:1:1::1"),
                           same = connection(l, "2001:db8:1:ffff::2"),
                           other = connection(l, "2001:db8:2::1");
    assert_about_burst(events_of(&one, 2 * BURST));
    assert_in_range(events_of(&same, BURST), 0, 50);
    assert_about_burst(events_of(&other, 2 * BURST));
    lone_end(l);
}

REAL_FIBER_TEST(users_and_trusted_networks_are_always_heard) {
    struct lone *l = begin();
    struct edge_connection user = connection(l, "192.0.2.1"), near = connection(l, "192.0.2.129");
    user.account = 7;
    assert_int_equal(events_of(&user, 3 * BURST), 3 * BURST);
    assert_int_equal(events_of(&near, 3 * BURST), 3 * BURST);
    lone_end(l);
}

/* ------------------------------------------------------------------ memory */

REAL_FIBER_TEST(strangers_leave_a_fifth_of_the_memory_to_users) {
    struct lone *l = begin();
    struct edge *e = l->process.state;
    struct edge_connection stranger = connection(l, "192.0.2.1"), user = stranger;
    const struct door_port *port;
    user.door = doors_find_port(&all_doors, S("submission"), &port);
    size_t counted = 0, before = edge_memory(e), most = (size_t)64 << 20;
    edge_count_memory(e, &counted, most - most / 5 - before);
    assert_true(edge_has_memory(&stranger, 0));
    assert_false(edge_has_memory(&stranger, 4096));
    assert_true(edge_has_memory(&user, 4096));
    assert_true(edge_memory_is_scarce(e));
    edge_count_memory(e, &counted, most - before);
    assert_false(edge_has_memory(&user, 4096));
    edge_count_memory(e, &counted, 0);
    assert_int_equal(edge_memory(e), before);
    assert_true(edge_has_memory(&stranger, 4096));
    assert_false(edge_memory_is_tight(e));
    lone_end(l);
}

/* It is told once for all who are put off. */
REAL_FIBER_TEST(a_shortage_is_told_once) {
    struct lone *l = begin();
    struct edge_connection stranger = connection(l, "192.0.2.1");
    for (int i = 0; i < 3; i++)
        assert_false(edge_has_memory(&stranger, (size_t)65 << 20));
    assert_true(lone_has_told(l, "of the 64 MiB that smtp.memory-max allows"));
    struct slice told = buf_slice(&l->told);
    ssize_t first = slice_find(told, S("smtp.memory-max"));
    assert_true(slice_find(slice_from(told, (size_t)first + 1), S("smtp.memory-max")) < 0);
    lone_end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_that_is_refused_again_and_again_fills_no_log),
        cmocka_unit_test(test_a_site_of_ipv6_is_one_client),
        cmocka_unit_test(test_users_and_trusted_networks_are_always_heard),
        cmocka_unit_test(test_strangers_leave_a_fifth_of_the_memory_to_users),
        cmocka_unit_test(test_a_shortage_is_told_once),
    };
    return cmocka_run_group_tests_name("edge bounds", tests, NULL, NULL);
}
