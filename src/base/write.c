/* SPDX-License-Identifier: ISC */
#include "base/write.h"

#include <errno.h>
#include <unistd.h>

int write_whole(int fd, struct slice bytes) {
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes = slice_from(bytes, (size_t)n);
    }
    return 0;
}

int write_exactly(int fd, struct slice bytes, uint64_t offset) {
    while (bytes.len > 0) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes = slice_from(bytes, (size_t)n);
        offset += (uint64_t)n;
    }
    return 0;
}
