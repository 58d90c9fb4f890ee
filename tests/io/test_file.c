/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "fiber/fiber.h"
#include "io/file.h"

static int file_of(const char *text) {
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

REAL_FIBER_TEST(reads_what_is_there_from_an_offset_on) {
    char to[8];
    int fd = file_of("envelope");
    assert_int_equal(file_read(fd, 2, to, 3), 3);
    assert_memory_equal(to, "vel", 3);
    assert_int_equal(file_read(fd, 5, to, sizeof to), 3);
    assert_memory_equal(to, "ope", 3);
    (void)close(fd);
}

REAL_FIBER_TEST(the_end_is_zero_bytes) {
    char to[8];
    int fd = file_of("envelope");
    assert_int_equal(file_read(fd, 8, to, sizeof to), 0);
    assert_int_equal(file_read(fd, 800, to, sizeof to), 0);
    (void)close(fd);
}

REAL_FIBER_TEST(what_cannot_be_read_is_an_errno) {
    char to[8];
    assert_int_equal(file_read(-1, 0, to, sizeof to), -EBADF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_is_there_from_an_offset_on),
        cmocka_unit_test(test_the_end_is_zero_bytes),
        cmocka_unit_test(test_what_cannot_be_read_is_an_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
