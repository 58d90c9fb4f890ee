/* SPDX-License-Identifier: ISC */
#include "io/file.h"

#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "fiber/wait.h"

struct file_read {
    int file;
    uint64_t offset;
    void *to;
    size_t size;
};

static int read_in_thread(void *arg) {
    struct file_read *job = arg;
    ssize_t n = pread(job->file, job->to, job->size, (off_t)job->offset);
    return n < 0 ? -errno : (int)n;
}

int file_read(int file, uint64_t offset, void *to, size_t size) {
    struct file_read job = {file, offset, to, MIN(size, (size_t)INT_MAX)};
    struct iovec part = {to, job.size};
    ssize_t n = preadv2(file, &part, 1, (off_t)offset, RWF_NOWAIT);
    return n > 0 ? (int)n : offload(OFFLOAD_DISK, read_in_thread, &job);
}
