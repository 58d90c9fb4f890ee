/* SPDX-License-Identifier: ISC */
#include "base/read.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"

#define PIECE (64U << 10)

int read_exactly(int fd, void *to, size_t len, uint64_t offset) {
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, (char *)to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -E_EOF;
        done += (size_t)n;
    }
    return 0;
}

int read_to_end(int fd, struct buf *to, size_t most) {
    while (to->len <= most) {
        buf_reserve(to, PIECE);
        ssize_t n = read(fd, to->ptr + to->len, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        to->len += (size_t)n;
    }
    return -E_LIMIT;
}
