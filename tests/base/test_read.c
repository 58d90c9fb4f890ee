/* SPDX-License-Identifier: ISC */
#include "base/read.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "unit.h"

static int file_of(struct slice bytes) {
    char name[] = "/tmp/hayauma-read-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    return fd;
}

static void what_lies_at_an_offset_is_read_whole_or_not_at_all(void **state) {
    (void)state;
    char got[8] = {0};
    _cleanup_(close_p) int fd = file_of(S("0123456789"));
    assert_int_equal(read_exactly(fd, got, 4, 3), 0);
    assert_memory_equal(got, "3456", 4);
    assert_int_equal(read_exactly(fd, got, 4, 6), 0);
    assert_int_equal(read_exactly(fd, got, 4, 7), -E_EOF);
    assert_int_equal(read_exactly(fd, got, 0, 99), 0);
    assert_int_equal(read_exactly(-1, got, 1, 0), -EBADF);
}

static void a_file_is_read_up_to_its_end_or_a_limit(void **state) {
    (void)state;
    _cleanup_(buf_done) struct buf to = {0};
    _cleanup_(close_p) int fd = file_of(S("0123456789"));
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    assert_int_equal(read_to_end(fd, &to, 8), 0);
    assert_true(slice_eq(buf_slice(&to), S("23456789")));
    assert_int_equal(read_to_end(fd, &to, 7), -E_LIMIT);
    buf_clear(&to);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(read_to_end(fd, &to, 9), -E_LIMIT);
    buf_clear(&to);
    assert_int_equal(read_to_end(-1, &to, 9), -EBADF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_at_an_offset_is_read_whole_or_not_at_all),
        cmocka_unit_test(a_file_is_read_up_to_its_end_or_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
