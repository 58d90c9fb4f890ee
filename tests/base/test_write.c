/* SPDX-License-Identifier: ISC */
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/read.h"
#include "unit.h"

static void bytes_are_written_where_the_file_stands_or_at_an_offset(void **state) {
    (void)state;
    char name[] = "/tmp/hayauma-write-XXXXXX", got[10];
    _cleanup_(close_p) int fd = mkostemp(name, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(write_whole(fd, S("01234")), 0);
    assert_int_equal(write_whole(fd, S("56789")), 0);
    assert_int_equal(write_exactly(fd, S("abc"), 4), 0);
    assert_int_equal(write_whole(fd, S("")), 0);
    assert_int_equal(read_exactly(fd, got, sizeof got, 0), 0);
    assert_memory_equal(got, "0123abc789", sizeof got);
    assert_int_equal(write_whole(-1, S("x")), -EBADF);
    assert_int_equal(write_exactly(-1, S("x"), 0), -EBADF);
}

static void *read_all(void *arg) {
    int fd = *(int *)arg;
    struct buf *got = calloc(1, sizeof *got);
    (void)poll(NULL, 0, 20); /* until the pipe is full */
    (void)read_to_end(fd, got, 1U << 20);
    return got;
}

/* A pipe holds 64 KiB: the write is cut there. */
static void what_is_cut_short_is_written_on(void **state) {
    (void)state;
    enum { SIZE = 300000 };
    int ends[2];
    pthread_t reader;
    void *ended;
    _cleanup_(buf_done) struct buf bytes = {0};
    for (unsigned i = 0; i < SIZE; i++)
        buf_add_byte(&bytes, (char)(i * 7 / 3));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
    assert_int_equal(write_whole(ends[1], buf_slice(&bytes)), 0);
    (void)close(ends[1]);
    assert_int_equal(pthread_join(reader, &ended), 0);
    struct buf *got = ended;
    assert_true(slice_eq(buf_slice(got), buf_slice(&bytes)));
    buf_done(got);
    free(got);
    (void)close(ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_written_where_the_file_stands_or_at_an_offset),
        cmocka_unit_test(what_is_cut_short_is_written_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
