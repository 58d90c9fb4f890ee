/* SPDX-License-Identifier: ISC */
/*
 * Programs of different schemas do not call each other, and say why.
 */
#include "rpc/pair.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static struct pair pair;

static int refuse(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                  const struct rpc_directory_resolve_in *in UNUSED, struct arena *a UNUSED,
                  struct rpc_directory_resolve_out *out UNUSED, struct problem *problem UNUSED) {
    fail_msg("a call of another version reached its handler");
    return 0;
}

static const struct rpc_directory_handlers handlers = {.resolve = refuse};

static int ask(struct rpc_link *link, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_in in = {S("tama@example.test")};
    struct rpc_directory_resolve_out out;
    return call_directory_resolve(link, &in, &a, &out, problem);
}

/* A link of `self` whose peer says this hello, and then a call if `with_call`. */
static struct rpc_link *link_to(enum role self, struct slice hello, int *ret_fd) {
    struct rpc_options options = {.self = self, .other = ROLE_DIRECTORY};
    struct rpc_link *link = rpc_link_new(&options);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(link, fds[0]), 0);
    assert_int_equal(write(fds[1], hello.ptr, hello.len), hello.len);
    *ret_fd = fds[1];
    return link;
}

static void expect_words(enum role self, const char *words) {
    _cleanup_(buf_done) struct buf hello = {0};
    struct problem problem = {0};
    char protocol[16];
    int fd;
    pair_hello(&hello, UINT64_C(0x0badcafe00000000), "hayauma 0.0.1");
    struct rpc_link *link = link_to(self, buf_slice(&hello), &fd);
    assert_int_equal(ask(link, &problem), -E_VERSION);
    assert_non_null(
        strstr(problem.text, "the directory process is hayauma 0.0.1 (calls 0badcafe)"));
    (void)snprintf(protocol, sizeof protocol, "%08x", (unsigned)(RPC_PROTOCOL >> 32));
    assert_non_null(strstr(problem.text, protocol));
    assert_non_null(strstr(problem.text, words));
    assert_int_equal(ask(link, &problem), -E_VERSION); /* and so is each later call */
    rpc_link_free(link);
    (void)close(fd);
}

REAL_FIBER_TEST(a_call_to_another_version_names_both_and_what_to_do) {
    expect_words(ROLE_EDGE, "and this process is hayauma ");
    expect_words(ROLE_EDGE, "restart the server, so that all its processes are of one program");
    expect_words(ROLE_CLI, "and this command is hayauma ");
    expect_words(ROLE_CLI, "restart the server, or use the command that belongs to it");
}

/* Whoever has it restarted sees the reason in the log. */
REAL_FIBER_TEST(a_caller_of_another_version_is_accused_in_full) {
    _cleanup_(buf_done) struct buf bytes = {0};
    int fds[2];
    pair_open(&pair, ROLE_DIRECTORY, &handlers, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(pair.other, fds[0]), 0);
    pair_hello(&bytes, 1, "hayauma 9.9.9");
    buf_add_u32(&bytes, 4 + 17);
    buf_add_u16(&bytes, ROLE_DIRECTORY << 8);
    buf_add_u16(&bytes, 0);
    buf_add_u64(&bytes, 0);
    buf_add_u32(&bytes, 17);
    buf_add_str(&bytes, "tama@example.test");
    assert_int_equal(write(fds[1], bytes.ptr, bytes.len), bytes.len);
    while (rpc_link_up(pair.other))
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_non_null(strstr(pair.misbehaved, "hayauma 9.9.9"));
    (void)close(fds[1]);
    pair_close(&pair);
}

REAL_FIBER_TEST(who_says_no_version_is_not_listened_to) {
    int fds[2];
    static const char frame[16] = {0};
    pair_open(&pair, ROLE_DIRECTORY, &handlers, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(pair.other, fds[0]), 0);
    assert_int_equal(write(fds[1], frame, sizeof frame), sizeof frame);
    while (rpc_link_up(pair.other))
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_string_equal(pair.misbehaved, "did not say its version first");
    (void)close(fds[1]);
    pair_close(&pair);
}

/* What a server from before this frame does with the command's. */
REAL_FIBER_TEST(a_command_is_told_when_the_server_hangs_up_on_its_hello) {
    struct problem problem = {0};
    int fd;
    struct rpc_link *link = link_to(ROLE_CLI, S(""), &fd);
    (void)shutdown(fd, SHUT_WR);
    assert_int_equal(ask(link, &problem), -EPIPE);
    assert_string_equal(
        problem.text, "the directory process hung up before it said its version: it has ended, or "
                      "it is older than this command; restart the server");
    rpc_link_free(link);
    (void)close(fd);
}

REAL_FIBER_TEST(a_name_that_would_spoil_the_log_is_malformed) {
    static const char *const names[] = {
        "two\nlines", "\x1b[2J",
        ("a name that is far longer than any program's name has to be, even "
         "with a version")};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_(buf_done) struct buf hello = {0};
        int fds[2];
        pair_open(&pair, ROLE_DIRECTORY, &handlers, NULL);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(rpc_link_attach(pair.other, fds[0]), 0);
        pair_hello(&hello, 1, names[i]);
        assert_int_equal(write(fds[1], hello.ptr, hello.len), hello.len);
        while (rpc_link_up(pair.other))
            assert_int_equal(fiber_sleep(USEC_MS), 0);
        assert_string_equal(pair.misbehaved, "sent a malformed hello");
        (void)close(fds[1]);
        pair_close(&pair);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_to_another_version_names_both_and_what_to_do),
        cmocka_unit_test(test_a_caller_of_another_version_is_accused_in_full),
        cmocka_unit_test(test_who_says_no_version_is_not_listened_to),
        cmocka_unit_test(test_a_command_is_told_when_the_server_hangs_up_on_its_hello),
        cmocka_unit_test(test_a_name_that_would_spoil_the_log_is_malformed),
    };
    return cmocka_run_group_tests_name("hello", tests, NULL, NULL);
}
