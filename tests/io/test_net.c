/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/error.h"
#include "io/net.h"

static void expect_addr(const char *text, const char *want) {
    struct net_addr a;
    char got[NET_TEXT_SIZE];
    if (!want) {
        assert_int_equal(net_parse(slice_of_str(text), 25, &a), -E_SYNTAX);
        return;
    }
    assert_int_equal(net_parse(slice_of_str(text), 25, &a), 0);
    assert_slice(net_format(&a, got), want);
}

static void test_addresses_are_read_with_and_without_port(void **state) {
    (void)state;
    expect_addr("192.0.2.1", "192.0.2.1:25");
    expect_addr("192.0.2.1:2525", "192.0.2.1:2525");
    expect_addr("2001:db8::1", "[2001:db8::1]:25");
    expect_addr("[2001:db8::1]", "[2001:db8::1]:25");
    expect_addr("[2001:db8::1]:587", "[2001:db8::1]:587");
    expect_addr("::ffff:192.0.2.7", "192.0.2.7:25");
    expect_addr("[2001:db8::1", NULL);
    expect_addr("[2001:db8::1]x", NULL);
    expect_addr("[2001:db8::1]:", NULL);
    expect_addr("192.0.2.1:", NULL);
    expect_addr("192.0.2.1:65536", NULL);
    expect_addr("192.0.2.256", NULL);
    expect_addr("example.test", NULL);
    expect_addr("", NULL);
}

static void test_address_literals_follow_rfc5321_4_1_3(void **state) {
    struct net_addr a;
    char text[NET_TEXT_SIZE];
    (void)state;
    assert_int_equal(net_parse(S("192.0.2.1"), 0, &a), 0);
    assert_slice(net_format_literal(&a, text), "[192.0.2.1]");
    assert_int_equal(net_parse(S("2001:db8::1"), 0, &a), 0);
    assert_slice(net_format_literal(&a, text), "[IPv6:2001:db8::1]");
}

static bool in_range(const char *range_text, const char *address) {
    struct net_range range;
    struct net_addr a;
    assert_int_equal(net_range_parse(slice_of_str(range_text), &range), 0);
    assert_int_equal(net_parse(slice_of_str(address), 0, &a), 0);
    return net_range_has(&range, &a);
}

static void test_a_network_has_its_addresses_and_no_others(void **state) {
    struct net_range range;
    (void)state;
    assert_true(in_range("192.0.2.0/24", "192.0.2.255"));
    assert_false(in_range("192.0.2.0/24", "192.0.3.0"));
    assert_true(in_range("192.0.2.128/25", "192.0.2.129"));
    assert_false(in_range("192.0.2.128/25", "192.0.2.127"));
    assert_true(in_range("0.0.0.0/0", "203.0.113.9"));
    assert_false(in_range("0.0.0.0/0", "2001:db8::1"));
    assert_true(in_range("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(in_range("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(in_range("::1", "::1"));
    assert_int_equal(net_range_parse(S("192.0.2.0/33"), &range), -E_SYNTAX);
    assert_int_equal(net_range_parse(S("192.0.2.0/"), &range), -E_SYNTAX);
}

struct answering {
    struct fiber_fd listener;
    struct net_addr peer;
};

static int option_of(int fd, int level, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

static void answer_one(void *arg) {
    struct answering *server = arg;
    struct stream *s = NULL;
    int fd = -1;
    assert_int_equal(net_accept(&server->listener, &server->peer, &fd), 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
                         option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL) *
                             option_of(fd, IPPROTO_TCP, TCP_KEEPCNT),
                     300);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 300 * 1000);
    assert_int_equal(stream_from_fd(fd, &s), 0);
    stream_str(s, "hello\r\n");
    assert_int_equal(stream_flush(s), 0);
    stream_free(s);
}

REAL_FIBER_TEST(a_connection_reaches_the_listener) {
    struct answering server = {0};
    struct fiber *f = NULL;
    struct stream *s = NULL;
    struct net_addr at;
    struct slice line;
    int fd = -1;
    assert_int_equal(net_parse(S("127.0.0.1:0"), 0, &at), 0);
    assert_int_equal(net_listen(&at, &fd), 0);
    assert_int_equal(net_local(fd, &at), 0);
    assert_int_equal(fiber_fd_init(&server.listener, fd), 0);
    assert_int_equal(fiber_start("server", answer_one, &server, &f), 0);
    assert_int_equal(net_connect(&at, NULL, fiber_now() + USEC_SEC, &s), 0);
    assert_int_equal(stream_read_line(s, 100, &line), 0);
    assert_slice(line, "hello\r\n");
    stream_free(s);
    fiber_join(f);
    assert_true(net_is_loopback(&server.peer));
    fiber_fd_done(&server.listener);
    (void)close(fd);
    assert_int_equal(net_connect(&at, NULL, fiber_now() + USEC_SEC, &s), -ECONNREFUSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_read_with_and_without_port),
        cmocka_unit_test(test_address_literals_follow_rfc5321_4_1_3),
        cmocka_unit_test(test_a_network_has_its_addresses_and_no_others),
        cmocka_unit_test(test_a_connection_reaches_the_listener),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
