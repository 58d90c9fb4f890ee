/* SPDX-License-Identifier: ISC */
/*
 * Pack files on the disk: making, opening, appending, syncing, reading one body.
 *
 * What a failure leaves behind decides what may be done next. "No room" is a clean answer: nothing
 * is lost but the bytes of this append, which are cut off again. Any other failed write, and every
 * failed sync, leaves it open what the disk holds, and the kernel may report it only once: such a
 * file is not written to again.
 */
#include "pack/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/read.h"

#define FILL_BLOCK (256U << 10)
#define DISK_BLOCK 4096U

const struct pack_io pack_io_system = {
    .pwritev = pwritev,
    .fdatasync = fdatasync,
    .fallocate = fallocate,
};

static bool is_no_room(int error) {
    return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

/* Writes all of the iovec at `offset`; short writes go on where they stopped. */
static int write_all(const struct pack_io *io, int fd, struct iovec *iov, int count,
                     uint64_t offset) {
    while (count > 0) {
        ssize_t n = io->pwritev(fd, iov, MIN(count, IOV_MAX), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        offset += (uint64_t)n;
        size_t done = (size_t)n;
        while (count > 0 && done >= iov->iov_len) {
            done -= iov->iov_len;
            iov++;
            count--;
        }
        if (count > 0 && n == 0)
            return -EIO;
        if (count > 0) {
            iov->iov_base = (char *)iov->iov_base + done;
            iov->iov_len -= done;
        }
    }
    return 0;
}

/*
 * Sets the length aside. Zeros are really written: an extent that is only allocated becomes
 * "written" at its first use, and that change makes each later fdatasync wait for the journal.
 */
static int fill(const struct pack_io *io, int fd, uint64_t len) {
    if (io->fallocate(fd, 0, 0, (off_t)len) < 0 && errno != EOPNOTSUPP)
        return -errno;
    _cleanup_(free_p) char *zeros = mem_zero(FILL_BLOCK);
    for (uint64_t at = 0; at < len;) {
        struct iovec iov = {zeros, (size_t)MIN((uint64_t)FILL_BLOCK, len - at)};
        uint64_t piece = iov.iov_len;
        int error = write_all(io, fd, &iov, 1, at);
        if (error)
            return error;
        at += piece;
    }
    return 0;
}

static int begin_file(const struct pack_io *io, int fd, const struct pack_file_head *head,
                      uint64_t reserve) {
    char bytes[PACK_FILE_HEAD];
    pack_file_encode(head, bytes);
    int error = reserve ? fill(io, fd, reserve) : 0;
    if (error)
        return error;
    error = write_all(io, fd, &(struct iovec){bytes, sizeof bytes}, 1, 0);
    if (error)
        return error;
    return io->fdatasync(fd) < 0 ? -errno : 0;
}

int pack_file_create(int dir, const char *name, const struct pack_file_head *head, uint64_t reserve,
                     const struct pack_io *io, struct pack_file *ret) {
    _cleanup_(close_p) int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = begin_file(io, fd, head, reserve);
    if (error) {
        (void)unlinkat(dir, name, 0);
        return error;
    }
    *ret = (struct pack_file){
        .fd = TAKE_FD(fd),
        .head = *head,
        .end = PACK_FILE_HEAD,
        .reserved = reserve,
        .io = io,
    };
    return 0;
}

int pack_file_head(int fd, struct pack_file_head *ret) {
    char bytes[PACK_FILE_HEAD];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    return n < 0 ? -errno : pack_file_decode(slice_of(bytes, (size_t)n), ret);
}

int pack_file_open(int dir, const char *name, uint32_t kind, const struct pack_io *io,
                   struct pack_file *ret) {
    _cleanup_(close_p) int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    struct pack_file_head head = {0};
    int error = pack_file_head(fd, &head);
    if (error)
        return error;
    if (head.kind != kind)
        return -E_UNKNOWN;
    *ret = (struct pack_file){.fd = TAKE_FD(fd), .head = head, .end = PACK_FILE_HEAD, .io = io};
    return 0;
}

void pack_file_close(struct pack_file *f) {
    if (f->fd > 0)
        (void)close(f->fd);
    f->fd = -1;
}

int pack_file_cut(struct pack_file *f) {
    if (f->failed)
        return f->failed;
    off_t len = lseek(f->fd, 0, SEEK_END);
    if (len < 0)
        return -errno;
    if ((uint64_t)len > MAX(f->end, f->reserved) &&
        ftruncate(f->fd, (off_t)MAX(f->end, f->reserved)) < 0)
        return -errno;
    if (f->end >= f->reserved)
        return 0;
    char zeros[PACK_HEAD] = {0};
    size_t size = (size_t)MIN((uint64_t)sizeof zeros, f->reserved - f->end);
    return write_all(f->io, f->fd, &(struct iovec){zeros, size}, 1, f->end);
}

int pack_append_iov(struct pack_file *f, struct iovec *iov, int count) {
    if (f->failed)
        return f->failed;
    uint64_t len = 0;
    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    int error = write_all(f->io, f->fd, iov, count, f->end);
    if (error == 0) {
        f->end += len;
        return 0;
    }
    if (!is_no_room(error) || pack_file_cut(f) < 0)
        f->failed = -E_UNTRUSTED;
    return error;
}

int pack_append(struct pack_file *f, uint8_t type, uint16_t flags, struct slice facts,
                struct slice body, struct pack_place *ret) {
    if (facts.len > PACK_FACTS_MAX || body.len > PACK_BODY_MAX)
        return -E_LIMIT;
    struct pack_record r = {.type = type,
                            .flags = flags,
                            .facts = facts,
                            .body_len = body.len,
                            .body_crc = crc32c(0, body)};
    struct pack_frame frame;
    pack_frame(f->head.generation, &r, &frame);
    uint64_t offset = f->end;
    struct iovec iov[] = {
        {frame.head, PACK_HEAD},
        {(void *)(uintptr_t)facts.ptr, facts.len},
        {(void *)(uintptr_t)body.ptr, body.len},
        {frame.end, PACK_END},
    };
    int error = pack_append_iov(f, iov, ARRAY_SIZE(iov));
    if (error)
        return error;
    *ret = (struct pack_place){.offset = offset,
                               .body = offset + PACK_HEAD + facts.len,
                               .body_len = body.len,
                               .body_crc = r.body_crc};
    return 0;
}

int pack_sync(struct pack_file *f) {
    if (f->failed)
        return f->failed;
    if (f->io->fdatasync(f->fd) == 0)
        return 0;
    f->failed = -E_UNTRUSTED;
    return -errno;
}

int pack_sync_dir(int dir) {
    return fsync(dir) < 0 ? -errno : 0;
}

static int walk_names(DIR *names, int (*each)(void *arg, const char *name), void *arg) {
    int result = 0;
    while (!result) {
        errno = 0; /* the end and an error look alike otherwise */
        struct dirent *entry = readdir(names);
        if (!entry)
            return -errno;
        result = each(arg, entry->d_name);
    }
    return result;
}

int pack_each_name(int dir, int (*each)(void *arg, const char *name), void *arg) {
    _cleanup_(close_p) int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    if (!names)
        return -errno;
    (void)TAKE_FD(fd); /* closed with `names` */
    int result = walk_names(names, each, arg);
    (void)closedir(names);
    return result;
}

int pack_read_body(int fd, const struct pack_place *place, uint64_t skip, void *to, size_t len) {
    if (skip > place->body_len || len > place->body_len - skip)
        return -EINVAL;
    int error = read_exactly(fd, to, len, place->body + skip);
    if (error)
        return error;
    if (skip == 0 && len == place->body_len && crc32c(0, slice_of(to, len)) != place->body_crc)
        return -E_CORRUPT;
    return 0;
}

/*
 * By the block: what lies in memory can be read, and what cannot be read does not lie there. A file
 * system that copies on writing may have no room for it: then there is only the sync.
 */
int pack_rewrite(int fd, uint64_t from, uint64_t to, const struct pack_io *io) {
    _cleanup_(free_p) char *block = mem_alloc(DISK_BLOCK);
    for (uint64_t at = from, piece; at < to; at += piece) {
        piece = MIN(DISK_BLOCK - at % DISK_BLOCK, to - at);
        int error = read_exactly(fd, block, piece, at);
        if (error == -EIO)
            continue;
        if (!error)
            error = write_all(io, fd, &(struct iovec){block, piece}, 1, at);
        if (error && !is_no_room(error))
            return error;
    }
    return io->fdatasync(fd) < 0 ? -errno : 0;
}
