/* SPDX-License-Identifier: ISC */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/fiber.h"

#define SECTOR 512U

struct unsynced { /* bytes of a file */
    char path[128];
    uint64_t from, to;
    bool forgotten; /* by the kernel, which has told so once: the next sync does not write them */
};

struct slow_disk slow_disk;
static struct {
    struct unsynced parts[256];
    size_t count;
} lost; /* when the power fails now */

void slow_disk_reset(void) {
    slow_disk = (struct slow_disk){0};
    lost.count = 0;
}

/* ------------------------------------------------------------------ the calls */

static void path_of(int fd, char path[static 128]) {
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, 127);
    path[n > 0 ? n : 0] = 0;
}

/* On simulated time threads' work is done in the fiber that wants it, so that it can sleep here. */
static void take_time(void) {
    if (slow_disk.cut_after > 0 && --slow_disk.cut_after == 0)
        slow_disk.cut(slow_disk.arg);
    if (slow_disk.longest > 0)
        (void)fiber_sleep(rng_below(slow_disk.rng, (uint32_t)slow_disk.longest));
}

static bool fails(int error) {
    if (!error || slow_disk.fail_times == 0)
        return false;
    if (slow_disk.fail_after > 0) {
        slow_disk.fail_after--;
        return false;
    }
    slow_disk.fail_times--;
    errno = error;
    return true;
}

static void add_unsynced(const struct unsynced *u) {
    if (u->from >= u->to)
        return;
    MUST(lost.count < sizeof lost.parts / sizeof *lost.parts);
    lost.parts[lost.count++] = *u;
}

/* What is written again is not forgotten any more, nor is the part of it that is. */
static void note_write(int fd, uint64_t from, uint64_t to) {
    struct unsynced new = {.from = from, .to = to};
    path_of(fd, new.path);
    size_t before = lost.count, kept = 0;
    for (size_t i = 0; i < before; i++) {
        struct unsynced left = lost.parts[i], right = left;
        bool meets = strcmp(left.path, new.path) == 0 && left.from < to && left.to > from;
        if (!meets) {
            lost.parts[kept++] = left;
            continue;
        }
        left.to = MIN(left.to, from);
        right.from = MAX(right.from, to);
        add_unsynced(&left);
        add_unsynced(&right);
    }
    memmove(&lost.parts[kept], &lost.parts[before], (lost.count - before) * sizeof *lost.parts);
    lost.count -= before - kept;
    add_unsynced(&new);
}

static ssize_t disk_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    take_time();
    if (fails(slow_disk.write_error)) {
        int error = errno;
        if (rng_one_in(slow_disk.rng, 2)) /* some of it is written all the same */
            (void)!pwrite(fd, iov->iov_base, rng_below(slow_disk.rng, (uint32_t)iov->iov_len + 1),
                          offset);
        errno = error;
        return -1;
    }
    ssize_t n = pwritev(fd, iov, count, offset);
    if (n > 0)
        note_write(fd, (uint64_t)offset, (uint64_t)(offset + n));
    int error = errno;
    take_time();
    errno = error;
    return n;
}

static int disk_fdatasync(int fd) {
    take_time();
    bool failed = fails(slow_disk.sync_error);
    char path[128];
    path_of(fd, path);
    size_t kept = 0;
    for (size_t i = 0; i < lost.count; i++) {
        struct unsynced *u = &lost.parts[i];
        bool mine = strcmp(u->path, path) == 0;
        u->forgotten |= mine && failed;
        if (!mine || u->forgotten)
            lost.parts[kept++] = *u;
    }
    lost.count = kept;
    if (failed) {
        errno = slow_disk.sync_error;
        return -1;
    }
    take_time();
    return 0;
}

const struct pack_io slow_disk_io = {
    .pwritev = disk_pwritev, .fdatasync = disk_fdatasync, .fallocate = fallocate};

int slow_disk_commit(void *arg) {
    (void)arg;
    take_time();
    return fails(slow_disk.write_error) || fails(slow_disk.sync_error) ? -errno : 0;
}

/* ------------------------------------------------------------------ the power fails */

/* Each sector for itself: a disk writes them in whatever order. */
static void lose_sectors(int fd, uint64_t from, uint64_t to) {
    static const char zero[SECTOR];
    for (uint64_t at = from; at < to;) {
        uint64_t end = (at / SECTOR + 1) * SECTOR < to ? (at / SECTOR + 1) * SECTOR : to;
        if (rng_one_in(slow_disk.rng, 2))
            (void)!pwrite(fd, zero, end - at, (off_t)at);
        at = end;
    }
}

static bool is_under(const struct unsynced *u, const char *dir) {
    size_t len = strlen(dir);
    return strncmp(u->path, dir, len) == 0 && u->path[len] == '/';
}

void slow_disk_keep(const char *dir) {
    size_t kept = 0;
    for (size_t i = 0; i < lost.count; i++)
        if (is_under(&lost.parts[i], dir))
            lost.parts[kept++] = lost.parts[i];
    lost.count = kept;
}

void slow_disk_move(const char *dir, const char *image) {
    size_t len = strlen(dir);
    for (size_t i = 0; i < lost.count; i++) {
        char rest[128];
        if (!is_under(&lost.parts[i], dir))
            continue;
        (void)snprintf(rest, sizeof rest, "%s", lost.parts[i].path + len);
        (void)snprintf(lost.parts[i].path, sizeof lost.parts[i].path, "%s%s", image, rest);
    }
}

void slow_disk_lose(const char *dir, const char *image) {
    size_t len = strlen(dir);
    for (size_t i = 0; i < lost.count; i++) {
        const struct unsynced *u = &lost.parts[i];
        char path[256];
        if (!is_under(u, dir))
            continue;
        (void)snprintf(path, sizeof path, "%s%s", image, u->path + len);
        int fd = open(path, O_RDWR);
        if (fd < 0)
            continue; /* removed since */
        /* The file may not be as long yet. */
        if (rng_one_in(slow_disk.rng, 2) && lseek(fd, 0, SEEK_END) == (off_t)u->to)
            (void)!ftruncate(
                fd, (off_t)(u->from + rng_below(slow_disk.rng, (uint32_t)(u->to - u->from))));
        else
            lose_sectors(fd, u->from, u->to);
        close(fd);
    }
}
