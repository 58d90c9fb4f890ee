/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "events/kinds.h"
#include "fiber/wait.h"
#include "journey/lines.h"
#include "journey/syslog.h"

static void say(struct lines *l, const char *kind, const char *text) {
    struct event e = {.wall = TEST_WALL,
                      .role = S("edge"),
                      .kind = slice_of_str(kind),
                      .text = slice_of_str(text)};
    lines_add(l, &e);
}

static void read_all(int fd, struct buf *to) {
    char bytes[4096];
    ssize_t n;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        buf_add_bytes(to, bytes, (size_t)n);
}

/* The ends of two pipes: stderr and a file. */
struct ends {
    int standard[2], file[2];
};

static struct lines *start(struct ends *e, struct lines_options options) {
    assert_int_equal(pipe(e->standard), 0);
    assert_int_equal(pipe(e->file), 0);
    options.standard = options.standard < 0 ? -1 : e->standard[1];
    options.file = options.file < 0 ? -1 : e->file[1];
    options.syslog = options.syslog > 0 ? options.syslog : -1;
    struct lines *l = lines_new(&options);
    assert_int_equal(fiber_spawn("log", lines_work, l), 0);
    return l;
}

static void finish(struct ends *e, struct lines *l, const char *standard, const char *file) {
    _cleanup_(buf_done) struct buf got = {0}, got_file = {0};
    lines_stop(l);
    lines_free(l);
    read_all(e->standard[0], &got);
    read_all(e->file[0], &got_file);
    assert_slice(buf_slice(&got), standard);
    assert_slice(buf_slice(&got_file), file);
    for (size_t i = 0; i < 2; i++) {
        (void)close(e->standard[i]);
        (void)close(e->file[i]);
    }
}

FIBER_TEST(only_what_is_important_enough_is_written) {
    struct ends e;
    struct lines *l = start(&e, (struct lines_options){.level = CONF_LOG_WARNING, .file = -1});
    say(l, KIND_QUEUED, "debug");
    say(l, KIND_ACCEPTED, "info");
    say(l, KIND_WARNING, "One.");
    lines_set_level(l, CONF_LOG_ERROR);
    say(l, KIND_WARNING, "Two.");
    say(l, KIND_ERROR, "Three.");
    finish(&e, l,
           "2026-11-18 11:06:40.000 warning edge      -             warning: One.\n"
           "2026-11-18 11:06:40.000 error   edge      -             error: Three.\n",
           "");
}

FIBER_TEST(the_systems_log_gets_marks_the_file_times) {
    struct ends e;
    struct lines *l = start(&e, (struct lines_options){.level = CONF_LOG_DEBUG, .marked = true});
    say(l, KIND_ERROR, "One.");
    say(l, KIND_QUEUED, "Two.");
    finish(&e, l,
           "<3>edge      -             error: One.\n"
           "<7>edge      -             queued: Two.\n",
           "2026-11-18 11:06:40.000 error   edge      -             error: One.\n"
           "2026-11-18 11:06:40.000 debug   edge      -             queued: Two.\n");
}

FIBER_TEST(nowhere_is_nowhere) {
    struct ends e;
    struct lines *l =
        start(&e, (struct lines_options){.level = CONF_LOG_DEBUG, .standard = -1, .file = -1});
    say(l, KIND_ERROR, "One.");
    finish(&e, l, "", "");
}

FIBER_TEST(lines_that_nobody_takes_are_counted) {
    struct ends e;
    struct lines *l =
        start(&e, (struct lines_options){.level = CONF_LOG_INFO, .file = -1, .memory_max = 100});
    say(l, KIND_RELOAD, "The first of them.");
    say(l, KIND_RELOAD, "The second of them.");
    say(l, KIND_RELOAD, "The third.");
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    say(l, KIND_RELOAD, "The fourth.");
    finish(&e, l,
           "2026-11-18 11:06:40.000 info    edge      -             reload: The first of them.\n"
           "2026-11-18 11:06:40.000 info    edge      -             reload: The second of them.\n"
           "2026-11-18 11:06:40.000 warning events    -             lost: Lines were left out"
           " here (1): nobody took them.\n"
           "2026-11-18 11:06:40.000 info    edge      -             reload: The fourth.\n",
           "");
}

FIBER_TEST(the_file_can_be_put_away) {
    struct ends e;
    int other[2];
    _cleanup_(buf_done) struct buf got = {0};
    struct lines *l = start(&e, (struct lines_options){.level = CONF_LOG_INFO, .standard = -1});
    assert_int_equal(pipe(other), 0);
    say(l, KIND_RELOAD, "One.");
    assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_int_equal(lines_set_file(l, other[1]), e.file[1]);
    say(l, KIND_RELOAD, "Two.");
    finish(&e, l, "", "2026-11-18 11:06:40.000 info    edge      -             reload: One.\n");
    read_all(other[0], &got);
    assert_slice(buf_slice(&got),
                 "2026-11-18 11:06:40.000 info    edge      -             reload: Two.\n");
    (void)close(other[0]);
    (void)close(other[1]);
}

/* A daemon's socket, and one that is connected with it. */
static int listen_at(const char *path, int *ret_client) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    *ret_client = syslog_open(path);
    assert_true(*ret_client >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

/* One datagram; what follows the number of the process, with "PID" in its place. */
static void assert_datagram(int fd, const char *expected) {
    char got[2048], text[2100], own[32];
    ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    got[n] = '\0';
    (void)snprintf(own, sizeof own, "hayauma[%d]: ", (int)getpid());
    char *at = strstr(got, own);
    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*shayauma[PID]: %s", (int)(at - got), got,
                   at + strlen(own));
    assert_string_equal(text, expected);
}

FIBER_TEST(rfc3164_4_1_syslog_gets_datagrams_as_mail_the_file_times) {
    struct ends e;
    int client = -1, daemon = listen_at("/tmp/hayauma-test-log", &client);
    struct lines *l = start(
        &e, (struct lines_options){.level = CONF_LOG_DEBUG, .syslog = client, .marked = true});
    say(l, KIND_ERROR, "One.");
    say(l, KIND_WARNING, "Two.");
    say(l, KIND_ACCEPTED, "Three.");
    say(l, KIND_QUEUED, "Four.");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(lines_set_syslog(l, -1), client);
    say(l, KIND_ERROR, "Five.");
    finish(&e, l, "<3>edge      -             error: Five.\n",
           "2026-11-18 11:06:40.000 error   edge      -             error: One.\n"
           "2026-11-18 11:06:40.000 warning edge      -             warning: Two.\n"
           "2026-11-18 11:06:40.000 info    edge      -             accepted: Three.\n"
           "2026-11-18 11:06:40.000 debug   edge      -             queued: Four.\n"
           "2026-11-18 11:06:40.000 error   edge      -             error: Five.\n");
    assert_datagram(daemon,
                    "<19>Nov 18 11:06:40 hayauma[PID]: edge      -             error: One.");
    assert_datagram(daemon,
                    "<20>Nov 18 11:06:40 hayauma[PID]: edge      -             warning: Two.");
    assert_datagram(daemon,
                    "<22>Nov 18 11:06:40 hayauma[PID]: edge      -             accepted: Three.");
    assert_datagram(daemon,
                    "<23>Nov 18 11:06:40 hayauma[PID]: edge      -             queued: Four.");
    (void)close(client);
    (void)close(daemon);
}

static void test_rfc3164_4_1_2_one_digit_of_a_day_has_a_blank_before_it(void **state) {
    _cleanup_(buf_done) struct buf got = {0};
    syslog_add(&got, LOG_INFO, TEST_WALL - 9 * USEC_DAY, S("x"));
    assert_true(slice_starts(buf_slice(&got), S("<22>Nov  9 11:06:40 hayauma[")));
}

static void test_rfc3164_4_1_no_datagram_is_longer_than_1024_and_nothing_is_lost(void **state) {
    _cleanup_(buf_done) struct buf message = {0}, datagrams = {0}, again = {0};
    struct slice line, rest;
    buf_add_byte(&message, '.');
    for (unsigned i = 0; i < 1500; i++)
        buf_add_str(&message, "早");
    syslog_add(&datagrams, LOG_INFO, TEST_WALL, buf_slice(&message));
    rest = buf_slice(&datagrams);
    while (slice_next(&rest, '\n', &line) && line.len > 0) {
        ssize_t head = slice_find(line, S("]: "));
        assert_true(head > 0 && line.len <= 1024 && (line.len > 1020 || rest.len == 0));
        assert_true(((unsigned char)line.ptr[head + 3] & 0xC0) != 0x80);
        buf_add(&again, slice_from(line, (size_t)head + 3));
    }
    assert_true(slice_eq(buf_slice(&again), buf_slice(&message)));
}

static void test_what_the_syslog_daemon_does_not_take_goes_to_stderr(void **state) {
    int ends[2], client = -1, daemon = listen_at("/tmp/hayauma-test-log", &client);
    int before = dup(STDERR_FILENO);
    _cleanup_(buf_done) struct buf got = {0};
    (void)close(daemon);
    assert_int_equal(pipe(ends), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    syslog_send(client, S("<22>one\n<22>two\n"));
    (void)dup2(before, STDERR_FILENO);
    read_all(ends[0], &got);
    assert_slice(buf_slice(&got), "<22>one\n<22>two\n");
    for (size_t i = 0; i < 2; i++)
        (void)close(ends[i]);
    (void)close(client);
    (void)close(before);
}

/* A reader that has gone must not stop the event log, and one that is slow is waited for. */
REAL_FIBER_TEST(a_descriptor_that_fails_harms_nobody) {
    struct ends e;
    struct lines *l = start(&e, (struct lines_options){.level = CONF_LOG_INFO});
    (void)close(e.standard[1]);
    e.standard[1] = -1;
    say(l, KIND_RELOAD, "One.");
    finish(&e, l, "", "2026-11-18 11:06:40.000 info    edge      -             reload: One.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_important_enough_is_written),
        cmocka_unit_test(test_the_systems_log_gets_marks_the_file_times),
        cmocka_unit_test(test_nowhere_is_nowhere),
        cmocka_unit_test(test_lines_that_nobody_takes_are_counted),
        cmocka_unit_test(test_the_file_can_be_put_away),
        cmocka_unit_test(test_rfc3164_4_1_syslog_gets_datagrams_as_mail_the_file_times),
        cmocka_unit_test(test_rfc3164_4_1_2_one_digit_of_a_day_has_a_blank_before_it),
        cmocka_unit_test(test_rfc3164_4_1_no_datagram_is_longer_than_1024_and_nothing_is_lost),
        cmocka_unit_test(test_what_the_syslog_daemon_does_not_take_goes_to_stderr),
        cmocka_unit_test(test_a_descriptor_that_fails_harms_nobody),
    };
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
