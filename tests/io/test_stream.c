/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "io/stream.h"

static struct stream *ends[2];

static void open_pair(size_t capacity) {
    stream_pair(capacity, ends);
}

static void close_pair(void) {
    stream_free(ends[0]);
    stream_free(ends[1]);
    ends[0] = ends[1] = NULL;
}

FIBER_TEST(lines_keep_their_end_as_sent) {
    struct slice line;
    open_pair(1000);
    stream_str(ends[0], "one\r\ntwo\nthree\rstill three\r\nrest");
    assert_int_equal(stream_shutdown(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "one\r\n");
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "two\n");
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "three\rstill three\r\n");
    assert_int_equal(stream_read_line(ends[1], 100, &line), -E_EOF);
    assert_slice(stream_window(ends[1]), "rest");
    close_pair();
}

FIBER_TEST(a_line_over_its_limit_is_refused_and_can_be_skipped) {
    struct slice line;
    bool bare = true;
    open_pair(1000);
    stream_str(ends[0], "0123456789\r\nnext\r\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[1], 11, &line), -E_LIMIT);
    assert_int_equal(stream_skip_line(ends[1], 100, &bare), 0);
    assert_false(bare);
    assert_int_equal(stream_read_line(ends[1], 6, &line), 0);
    assert_slice(line, "next\r\n");
    stream_str(ends[0], "no end in sight");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_skip_line(ends[1], 10, &bare), -E_LIMIT);
    assert_slice(stream_window(ends[1]), "sight");
    stream_str(ends[0], "\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_skip_line(ends[1], 100, &bare), 0);
    assert_true(bare);
    close_pair();
}

FIBER_TEST(a_stream_that_settles_goes_on_where_it_was) {
    struct stream_room room;
    struct slice line;
    open_pair(1000);
    stream_str(ends[0], "read\r\nnot yet\r\n");
    assert_int_equal(stream_shutdown(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    stream_str(ends[1], "collected");
    ends[1] = stream_settle(ends[1], &room);
    assert_ptr_equal(ends[1], &room);
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "not yet\r\n");
    assert_int_equal(stream_flush(ends[1]), 0);
    assert_int_equal(stream_fill(ends[0], 9), 0);
    assert_slice(stream_window(ends[0]), "collected");
    close_pair();
}

/* Also where the CR came before the LF did. */
FIBER_TEST(a_skipped_line_tells_whether_a_bare_lf_ended_it) {
    bool bare = true;
    open_pair(1000);
    stream_str(ends[0], "long\r");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill(ends[1], 5), 0);
    stream_consume(ends[1], 4);
    stream_str(ends[0], "\n\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_skip_line(ends[1], 100, &bare), 0);
    assert_false(bare);
    assert_int_equal(stream_skip_line(ends[1], 100, &bare), 0);
    assert_true(bare);
    close_pair();
}

static void nudge_later(void *arg) {
    (void)fiber_sleep(USEC_SEC);
    stream_nudge(arg);
    stream_nudge(arg);
}

FIBER_TEST(who_waits_for_input_can_be_nudged_and_loses_none) {
    usec_t began = fiber_now();
    open_pair(1000);
    stream_set_timeout(ends[1], 5 * USEC_SEC);
    assert_int_equal(fiber_spawn("nudge", nudge_later, ends[1]), 0);
    assert_int_equal(stream_fill_or_nudge(ends[1]), -EINTR);
    assert_int_equal(fiber_now() - began, USEC_SEC);
    assert_int_equal(stream_fill_or_nudge(ends[1]), -ETIMEDOUT); /* two at once are one */
    assert_int_equal(fiber_now() - began, 6 * USEC_SEC);

    stream_nudge(ends[1]); /* before the call: counts */
    stream_str(ends[0], "DONE\r\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill_or_nudge(ends[1]), -EINTR);
    assert_int_equal(stream_fill_or_nudge(ends[1]), 0);
    assert_slice(stream_window(ends[1]), "DONE\r\n");
    stream_nudge(ends[1]); /* what is there comes first */
    assert_int_equal(stream_fill_or_nudge(ends[1]), 0);
    stream_consume(ends[1], 6);
    assert_int_equal(stream_shutdown(ends[0]), 0);
    assert_int_equal(stream_fill_or_nudge(ends[1]), -EINTR);
    assert_int_equal(stream_fill_or_nudge(ends[1]), -E_EOF);
    close_pair();
}

REAL_FIBER_TEST(who_waits_at_a_socket_can_be_nudged) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(stream_from_fd(fds[0], &ends[0]), 0);
    assert_int_equal(stream_from_fd(fds[1], &ends[1]), 0);
    assert_int_equal(fiber_spawn("nudge", nudge_later, ends[1]), 0);
    assert_int_equal(stream_fill_or_nudge(ends[1]), -EINTR);
    stream_str(ends[0], "DONE\r\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill_or_nudge(ends[1]), 0);
    assert_slice(stream_window(ends[1]), "DONE\r\n");
    close_pair();
}

FIBER_TEST(the_memory_of_all_streams_is_known) {
    size_t before = stream_memory();
    open_pair(1000);
    stream_str(ends[0], "some text");
    assert_true(stream_memory() > before);
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_memory(), before);
    assert_int_equal(stream_fill(ends[1], 4), 0);
    assert_true(stream_memory() > before);
    close_pair();
    assert_int_equal(stream_memory(), before);
}

static void echo_lines(void *arg UNUSED) {
    struct slice line;
    while (stream_read_line(ends[1], 1000, &line) == 0)
        stream_write(ends[1], line);
}

FIBER_TEST(output_leaves_when_the_next_read_waits) {
    struct fiber *f = NULL;
    struct slice line;
    open_pair(1000);
    assert_int_equal(fiber_start("echo", echo_lines, NULL, &f), 0);
    stream_str(ends[0], "a\r\nb\r\n");
    assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "a\r\n");
    assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "b\r\n");
    assert_int_equal(stream_shutdown(ends[0]), 0);
    fiber_join(f);
    close_pair();
}

static void send_much(void *arg) {
    const struct slice *bytes = arg;
    stream_write(ends[0], *bytes);
    (void)stream_shutdown(ends[0]);
}

FIBER_TEST(much_output_passes_a_small_pipe_whole) {
    size_t len = 300000;
    char *bytes = mem_alloc(len);
    char *got = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 % 251);
    struct slice all = slice_of(bytes, len);
    struct fiber *f = NULL;
    open_pair(777);
    assert_int_equal(fiber_start("sender", send_much, &all, &f), 0);
    assert_int_equal(stream_read_exact(ends[1], got, len), 0);
    assert_int_equal(stream_fill(ends[1], 1), -E_EOF);
    assert_memory_equal(got, bytes, len);
    assert_int_equal(stream_counts(ends[1]).in, len);
    fiber_join(f);
    close_pair();
    free(bytes);
    free(got);
}

FIBER_TEST(a_window_grows_to_what_is_wanted) {
    char block[1000];
    memset(block, 'x', sizeof block);
    open_pair(100000);
    for (int i = 0; i < 60; i++)
        stream_write(ends[0], slice_of(block, sizeof block));
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill(ends[1], 10), 0);
    stream_consume(ends[1], 10);
    assert_int_equal(stream_fill(ends[1], 59990), 0);
    assert_true(stream_window(ends[1]).len >= 59990);
    close_pair();
}

FIBER_TEST(a_timeout_of_a_read_does_not_stick) {
    struct slice line;
    open_pair(1000);
    stream_set_timeout(ends[1], 5 * USEC_SEC);
    usec_t began = fiber_now();
    assert_int_equal(stream_read_line(ends[1], 100, &line), -ETIMEDOUT);
    assert_int_equal(fiber_now() - began, 5 * USEC_SEC);
    stream_str(ends[1], "421 too slow\r\n");
    assert_int_equal(stream_flush(ends[1]), 0);
    assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "421 too slow\r\n");
    close_pair();
}

static void drip(void *arg UNUSED) {
    for (int i = 0; i < 100 && stream_error(ends[0]) == 0; i++) {
        stream_str(ends[0], "x");
        (void)stream_flush(ends[0]);
        if (fiber_sleep(USEC_SEC) < 0)
            return;
    }
}

FIBER_TEST(a_dripping_peer_is_too_slow) {
    struct slice line;
    open_pair(1000);
    assert_int_equal(fiber_spawn("drip", drip, NULL), 0);
    stream_set_min_rate(ends[1], 10, 20 * USEC_SEC);
    usec_t began = fiber_now();
    assert_int_equal(stream_read_line(ends[1], 1000, &line), -E_SLOW);
    assert_true(fiber_now() - began >= 20 * USEC_SEC && fiber_now() - began < 30 * USEC_SEC);
    fiber_cancel_children();
    close_pair();
}

FIBER_TEST(a_write_to_a_closed_peer_sticks) {
    open_pair(1000);
    stream_free(ends[1]);
    ends[1] = NULL;
    stream_str(ends[0], "lost");
    assert_int_equal(stream_flush(ends[0]), -EPIPE);
    assert_int_equal(stream_fill(ends[0], 1), -EPIPE);
    assert_int_equal(stream_error(ends[0]), -EPIPE);
    close_pair();
}

FIBER_TEST(what_a_peer_said_before_it_closed_can_be_heard_out) {
    struct slice line;
    open_pair(1000);
    stream_str(ends[1], "goodbye\r\n");
    assert_int_equal(stream_flush(ends[1]), 0);
    stream_free(ends[1]);
    ends[1] = NULL;
    stream_str(ends[0], "lost");
    assert_int_equal(stream_read_line(ends[0], 100, &line), -EPIPE);
    assert_int_equal(stream_try_fill(ends[0]), -EPIPE);
    stream_hear_out(ends[0]);
    stream_str(ends[0], "dropped");
    assert_int_equal(stream_try_fill(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "goodbye\r\n");
    assert_int_equal(stream_read_line(ends[0], 100, &line), -E_EOF);
    close_pair();
}

/* A peer that is always ready. */
static ssize_t always_read(void *below UNUSED, void *to, size_t size) {
    memset(to, 'x', size);
    return (ssize_t)size;
}

static ssize_t always_write(void *below UNUSED, const void *bytes UNUSED, size_t len) {
    return (ssize_t)len;
}

static void close_nothing(void *below UNUSED) {
}

static const struct stream_ops ready_ops = {
    .read = always_read, .write = always_write, .close = close_nothing};

static void count_turns(void *arg) {
    while (fiber_yield() == 0)
        (*(unsigned *)arg)++;
}

FIBER_TEST(a_peer_that_is_always_ready_does_not_keep_the_others_from_running) {
    static char piece[20000];
    unsigned turns = 0;
    struct fiber *f = NULL;
    struct stream *s = stream_new(&ready_ops, NULL);
    assert_int_equal(fiber_start("other", count_turns, &turns, &f), 0);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(stream_fill(s, 1), 0);
        stream_consume(s, stream_window(s).len);
    }
    assert_true(turns > 10);
    turns = 0;
    for (int i = 0; i < 500; i++)
        stream_write(s, slice_of(piece, sizeof piece));
    assert_true(turns > 10);
    fiber_cancel(f);
    fiber_join(f);
    stream_free(s);
}

REAL_FIBER_TEST(a_socket_is_handed_over_with_its_unread_input) {
    _cleanup_(arena_done) struct arena a = {0};
    struct stream *s = NULL;
    struct slice line, unread;
    int fds[2], fd = -1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(stream_from_fd(fds[0], &s), 0);
    assert_int_equal(write(fds[1], "first\r\nsecond\r\n", 15), 15);
    assert_int_equal(stream_read_line(s, 100, &line), 0);
    assert_int_equal(stream_detach(s, &a, &fd, &unread), 0);
    assert_int_equal(fd, fds[0]);
    assert_slice(unread, "second\r\n");
    (void)close(fd);
    (void)close(fds[1]);
}

static int tcp_pair(int fds[static 2]) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(listen(listener, 1), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&at, len), 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return close(listener);
}

/* The system answers bytes that nobody reads any more with a reset. */
REAL_FIBER_TEST(what_came_before_a_reset_can_be_heard_out) {
    static const char more[10000];
    struct stream *s = NULL;
    struct slice line;
    int fds[2];
    assert_int_equal(tcp_pair(fds), 0);
    assert_int_equal(stream_from_fd(fds[0], &s), 0);
    stream_str(s, "first");
    assert_int_equal(stream_flush(s), 0);
    assert_int_equal(write(fds[1], "goodbye\r\n", 9), 9);
    assert_int_equal(close(fds[1]), 0);
    for (int i = 0; i < 1000 && stream_flush(s) == 0; i++)
        stream_write(s, slice_of(more, sizeof more));
    assert_true(stream_error(s) == -EPIPE || stream_error(s) == -ECONNRESET);
    stream_hear_out(s);
    assert_int_equal(stream_read_line(s, 100, &line), 0);
    assert_slice(line, "goodbye\r\n");
    stream_free(s);
}

REAL_FIBER_TEST(part_of_a_file_is_sent) {
    char path[] = "/tmp/hayauma-stream-XXXXXX";
    char got[5];
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "0123456789", 10), 10);
    open_pair(1000);
    assert_int_equal(stream_send_file(ends[0], file, 3, 5), 0);
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_read_exact(ends[1], got, 5), 0);
    assert_memory_equal(got, "34567", 5);
    assert_int_equal(stream_send_file(ends[0], file, 8, 5), -EIO);
    close_pair();
    (void)close(file);
    (void)unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_keep_their_end_as_sent),
        cmocka_unit_test(test_a_line_over_its_limit_is_refused_and_can_be_skipped),
        cmocka_unit_test(test_output_leaves_when_the_next_read_waits),
        cmocka_unit_test(test_much_output_passes_a_small_pipe_whole),
        cmocka_unit_test(test_a_window_grows_to_what_is_wanted),
        cmocka_unit_test(test_a_timeout_of_a_read_does_not_stick),
        cmocka_unit_test(test_a_dripping_peer_is_too_slow),
        cmocka_unit_test(test_a_write_to_a_closed_peer_sticks),
        cmocka_unit_test(test_a_stream_that_settles_goes_on_where_it_was),
        cmocka_unit_test(test_a_skipped_line_tells_whether_a_bare_lf_ended_it),
        cmocka_unit_test(test_who_waits_for_input_can_be_nudged_and_loses_none),
        cmocka_unit_test(test_who_waits_at_a_socket_can_be_nudged),
        cmocka_unit_test(test_the_memory_of_all_streams_is_known),
        cmocka_unit_test(test_what_a_peer_said_before_it_closed_can_be_heard_out),
        cmocka_unit_test(test_what_came_before_a_reset_can_be_heard_out),
        cmocka_unit_test(test_a_peer_that_is_always_ready_does_not_keep_the_others_from_running),
        cmocka_unit_test(test_a_socket_is_handed_over_with_its_unread_input),
        cmocka_unit_test(test_part_of_a_file_is_sent),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
