/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "fiber/wait.h"
#include "journey/kinds.h"
#include "journey/lines.h"

static void say(struct lines *l, const char *kind, const char *text) {
    struct rpc_event e = {.wall = TEST_WALL,
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
           "2026-11-18 11:06:40.000 warning ledger    -             lost: 1 lines were left out"
           " here: nobody took them.\n"
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

/* A reader that has gone must not stop the ledger, and one that is slow is waited for. */
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
        cmocka_unit_test(test_a_descriptor_that_fails_harms_nobody),
    };
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
