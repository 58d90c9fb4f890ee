/* SPDX-License-Identifier: ISC */
#include "pack/badread.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct bad_read bad_read;
int bad_stat;

void bad_read_set(const char *path, off_t from, off_t to) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    bad_read = (struct bad_read){.file = st.st_ino, .from = from, .to = to, .error = EIO};
}

/* As a disk does: what lies before the bad bytes is read, then comes the error. */
ssize_t pread(int fd, void *to, size_t len, off_t offset) {
    static ssize_t (*real)(int fd, void *to, size_t len, off_t offset);
    struct stat st;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    bool hit = bad_read.file && offset < bad_read.to && offset + (off_t)len > bad_read.from;
    if (!hit || fstat(fd, &st) < 0 || st.st_ino != bad_read.file)
        return real(fd, to, len, offset);
    if (offset < bad_read.from)
        return real(fd, to, (size_t)(bad_read.from - offset), offset);
    if (bad_read.times > 0 && --bad_read.times == 0)
        bad_read.file = 0;
    errno = bad_read.error;
    return -1;
}

int fstatat(int dir, const char *restrict name, struct stat *restrict ret, int flags) {
    static int (*real)(int dir, const char *name, struct stat *ret, int flags);
    if (bad_stat) {
        errno = bad_stat;
        return -1;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fstatat64");
    return real(dir, name, ret, flags);
}
