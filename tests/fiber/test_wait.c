/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fiber/sync.h"
#include "fiber/wait.h"

static int ends[2];

static void write_late(void *arg UNUSED) {
    struct fiber_fd f;
    assert_int_equal(fiber_fd_init(&f, ends[1]), 0);
    assert_int_equal(fiber_sleep(5 * USEC_MS), 0);
    struct iovec part = {"late", 4};
    assert_int_equal(fiber_fd_writev(&f, &part, 1, USEC_NEVER), 4);
    fiber_fd_done(&f);
    (void)close(ends[1]);
}

REAL_FIBER_TEST(a_read_waits_for_bytes_and_sees_the_end_that_came_with_them) {
    struct fiber_fd f;
    char bytes[16];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fiber_fd_init(&f, ends[0]), 0);
    assert_int_equal(fiber_fd_read(&f, bytes, sizeof bytes, fiber_now() + USEC_MS), -ETIMEDOUT);
    assert_int_equal(fiber_spawn("writer", write_late, NULL), 0);
    assert_int_equal(fiber_fd_read(&f, bytes, sizeof bytes, USEC_NEVER), 4);
    assert_int_equal(fiber_fd_read(&f, bytes, sizeof bytes, USEC_NEVER), 0);
    fiber_fd_done(&f);
    (void)close(ends[0]);
}

static void read_one(void *arg) {
    bool *came = arg;
    struct fiber_fd f;
    char byte;
    assert_int_equal(fiber_fd_init(&f, ends[0]), 0);
    assert_int_equal(fiber_fd_read(&f, &byte, 1, USEC_NEVER), 1);
    *came = true;
    fiber_fd_done(&f);
    (void)close(ends[0]);
}

/* The system is asked for events every third turn; the fiber whose event it is runs in the next. */
REAL_FIBER_TEST(fibers_that_are_always_ready_keep_no_event_away_for_long) {
    struct fiber *reader = NULL;
    bool came = false;
    int turns = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fiber_start("reader", read_one, &came, &reader), 0);
    assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    for (; !came && turns < 100; turns++)
        assert_int_equal(fiber_yield(), 0);
    assert_true(came);
    assert_true(turns <= 4);
    fiber_join(reader);
    (void)close(ends[1]);
}

static void drain(void *arg) {
    size_t *total = arg;
    struct fiber_fd f;
    static char bytes[3000];
    assert_int_equal(fiber_fd_init(&f, ends[1]), 0);
    ssize_t n;
    while ((n = fiber_fd_read(&f, bytes, sizeof bytes, USEC_NEVER)) > 0)
        *total += (size_t)n;
    assert_int_equal(n, 0);
    fiber_fd_done(&f);
    (void)close(ends[1]);
}

REAL_FIBER_TEST(a_write_waits_for_room) {
    static char bytes[100000];
    struct fiber_fd f;
    struct fiber *reader = NULL;
    size_t total = 0, sent = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fiber_fd_init(&f, ends[0]), 0);
    assert_int_equal(fiber_start("reader", drain, &total, &reader), 0);
    while (sent < 3000000) {
        struct iovec part = {bytes, sizeof bytes};
        ssize_t n = fiber_fd_writev(&f, &part, 1, USEC_NEVER);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    fiber_fd_done(&f);
    (void)close(ends[0]);
    fiber_join(reader);
    assert_int_equal(total, sent);
}

/* Of the jobs below: how many have begun. Each ends when all have, or after ten seconds. */
static atomic_uint begun;

static int square_together(void *arg) {
    int *n = arg;
    begun++;
    for (int i = 0; begun < 8 && i < 10000; i++)
        (void)usleep(1000);
    *n = *n * *n;
    return begun == 8 ? 7 : -ETIMEDOUT;
}

static unsigned offloaded;

static void offload_one(void *arg) {
    assert_int_equal(offload(OFFLOAD_DISK, square_together, arg), 7);
    offloaded++;
}

REAL_FIBER_TEST(offloaded_work_runs_at_once_in_other_threads) {
    int numbers[8];
    for (int i = 0; i < 8; i++) {
        numbers[i] = i;
        assert_int_equal(fiber_spawn("job", offload_one, &numbers[i]), 0);
    }
    while (offloaded < 8)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_int_equal(numbers[7], 49);
}

static unsigned threads(void) {
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    (void)closedir(tasks);
    return count;
}

static int count_threads(void *arg) {
    *(unsigned *)arg = threads();
    return 0;
}

REAL_FIBER_TEST(threads_without_work_end_and_come_again) {
    unsigned before = threads(), working = 0, left = 0;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(offload(OFFLOAD_SYNC, count_threads, &working), 0);
        assert_true(working > before);
        for (int i = 0; (left = threads()) > before && i < 1000; i++)
            assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
        assert_int_equal(left, before);
    }
}

static int read_nice(void *arg) {
    *(int *)arg = getpriority(PRIO_PROCESS, 0);
    return 0;
}

REAL_FIBER_TEST(what_nobody_waits_for_gives_way_to_all_else) {
    int own = getpriority(PRIO_PROCESS, 0), later = -1, disk = -1;
    assert_int_equal(offload(OFFLOAD_LATER, read_nice, &later), 0);
    assert_int_equal(offload(OFFLOAD_DISK, read_nice, &disk), 0);
    assert_int_equal(later, MIN(own + 10, 19));
    assert_int_equal(disk, own);
}

REAL_FIBER_TEST(a_child_process_is_waited_for) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        (void)usleep(20000);
        _exit(3);
    }
    assert_int_equal(fiber_wait_child(pid, &status), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

REAL_FIBER_TEST(signals_come_one_by_one) {
    const int wanted[] = {SIGUSR1, SIGUSR2};
    struct fiber_fd signals;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGUSR2);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    assert_int_equal(fiber_signals_open(wanted, 2, &signals), 0);
    (void)kill(getpid(), SIGUSR2);
    assert_int_equal(fiber_signals_next(&signals), SIGUSR2);
    (void)kill(getpid(), SIGUSR1);
    assert_int_equal(fiber_signals_next(&signals), SIGUSR1);
    int fd = signals.fd;
    fiber_fd_done(&signals);
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_waits_for_bytes_and_sees_the_end_that_came_with_them),
        cmocka_unit_test(test_fibers_that_are_always_ready_keep_no_event_away_for_long),
        cmocka_unit_test(test_a_write_waits_for_room),
        cmocka_unit_test(test_offloaded_work_runs_at_once_in_other_threads),
        cmocka_unit_test(test_what_nobody_waits_for_gives_way_to_all_else),
        cmocka_unit_test(test_threads_without_work_end_and_come_again),
        cmocka_unit_test(test_a_child_process_is_waited_for),
        cmocka_unit_test(test_signals_come_one_by_one),
    };
    return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
