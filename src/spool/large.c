/* SPDX-License-Identifier: ISC */
/*
 * Large messages have a file of their own, which another process may write. What that process did
 * is taken for granted in nothing but the bytes: before the file becomes part of a message, it must
 * be sure that nobody can change it any more. A read lease says so: the kernel grants it only while
 * no descriptor or mapping anywhere could write, and nobody else can open the file, since the
 * directory is ours alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/read.h"
#include "spool/log.h"

#define READ_BLOCK (256U << 10)

struct spool_large {
    uint64_t id;
    int fd;       /* for writing; -1 after it was tried to accept */
    bool is_kept; /* its record may be on the disk, and would be a damaged message without it */
};

struct large_job {
    struct spool *spool;
    struct spool_large *large;
    int fd;
    uint64_t len;
    uint32_t crc;
};

void large_name(uint64_t id, char name[static LARGE_NAME]) {
    (void)snprintf(name, LARGE_NAME, "%016llx", (unsigned long long)id);
}

static int begin(void *arg) {
    struct large_job *job = arg;
    char name[LARGE_NAME];
    large_name(job->large->id, name);
    int fd = openat(job->spool->large_dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    job->large->fd = fd;
    return 0;
}

int spool_large_begin(struct spool *s, uint64_t id, struct spool_large **ret_large) {
    _cleanup_(free_p) struct spool_large *large = NEW(struct spool_large);
    large->id = id;
    large->fd = -1;
    struct large_job job = {.spool = s, .large = large};
    int error = offload(OFFLOAD_DISK, begin, &job);
    if (error)
        return error;
    *ret_large = TAKE_PTR(large);
    return 0;
}

int spool_large_fd(const struct spool_large *large) {
    return large->fd;
}

static int open_reader(const struct large_job *job) {
    char name[LARGE_NAME];
    large_name(job->large->id, name);
    int fd = openat(job->spool->large_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int give_reader(void *arg) {
    struct large_job *job = arg;
    job->fd = open_reader(job);
    return MIN(job->fd, 0);
}

int spool_large_reader(struct spool *s, struct spool_large *large, int *ret_fd) {
    struct large_job job = {.spool = s, .large = large};
    int error = offload(OFFLOAD_DISK, give_reader, &job);
    if (error)
        return error;
    *ret_fd = job.fd;
    return 0;
}

static int drop(void *arg) {
    struct large_job *job = arg;
    char name[LARGE_NAME];
    large_name(job->large->id, name);
    close_p(&job->large->fd);
    if (job->large->is_kept)
        return 0;
    return unlinkat(job->spool->large_dir, name, 0) < 0 ? -errno : 0;
}

void spool_large_drop(struct spool *s, struct spool_large *large) {
    if (!large)
        return;
    struct large_job job = {.spool = s, .large = large};
    (void)offload(OFFLOAD_DISK, drop, &job);
    free(large);
}

void large_submitted(struct spool_large *large, int error, bool doubtful) {
    large->is_kept = doubtful;
    if (error)
        return;
    close_p(&large->fd);
    free(large);
}

int large_sum(int fd, uint64_t len, uint32_t *ret_crc) {
    _cleanup_(free_p) char *block = mem_alloc(READ_BLOCK);
    uint32_t crc = 0;
    for (uint64_t done = 0; done < len;) {
        size_t want = (size_t)MIN(len - done, (uint64_t)READ_BLOCK);
        int error = read_exactly(fd, block, want, done);
        if (error)
            return error;
        crc = crc32c(crc, slice_of(block, want));
        done += want;
    }
    *ret_crc = crc;
    return 0;
}

static int settle(void *arg) {
    struct large_job *job = arg;
    _cleanup_(close_p) int fd = open_reader(job);
    if (fd < 0)
        return fd;
    close_p(&job->large->fd);
    /* A lease is given when nobody can write to the file any more. */
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN || errno == EBUSY ? -E_BUSY : -errno;
    if (fcntl(fd, F_SETLEASE, F_UNLCK) < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    job->len = (uint64_t)st.st_size;
    int error = large_sum(fd, job->len, &job->crc);
    if (error)
        return error;
    if (job->spool->options.io->fdatasync(fd) < 0)
        return -errno;
    error = pack_sync_dir(job->spool->large_dir);
    if (error)
        return error;
    job->fd = TAKE_FD(fd);
    return 0;
}

int large_settle(struct spool *s, struct spool_large *large, int *ret_fd, uint64_t *ret_len,
                 uint32_t *ret_crc) {
    struct large_job job = {.spool = s, .large = large};
    int error = offload(OFFLOAD_SYNC, settle, &job);
    if (error)
        return error;
    *ret_fd = job.fd;
    *ret_len = job.len;
    *ret_crc = job.crc;
    return 0;
}

struct unlink_job {
    int dir;
    struct buf ids;
};

static int unlink_all(void *arg) {
    struct unlink_job *job = arg;
    struct reader r = {.rest = buf_slice(&job->ids)};
    while (r.rest.len > 0) {
        char name[LARGE_NAME];
        large_name(read_u64(&r), name);
        (void)unlinkat(job->dir, name, 0);
    }
    return 0;
}

/* A file that cannot be removed now is a stray at the next opening. */
void large_unlink_settled(struct spool *s) {
    if (s->unlinks.len == 0)
        return;
    struct unlink_job job = {.dir = s->large_dir, .ids = s->unlinks};
    s->unlinks = (struct buf){0};
    (void)offload(OFFLOAD_DISK, unlink_all, &job);
    buf_done(&job.ids);
}
