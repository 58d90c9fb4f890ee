/* SPDX-License-Identifier: ISC */
/* Bodies are read from the log and from large files, and checked against their sums. */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/read.h"
#include "spool/log.h"

struct load_job {
    int log_fd;
    struct pack_place place;
    void *bytes;

    int large_dir; /* -1: the message has no file */
    uint64_t id, large_len;
    uint32_t large_crc;
    bool check_large;
    int ret_fd;
};

static int load_large(struct load_job *job) {
    char name[LARGE_NAME];
    large_name(job->id, name);
    _cleanup_(close_p) int fd = openat(job->large_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? -E_CORRUPT : -errno;
    if (job->check_large) {
        uint32_t crc;
        int error = large_sum(fd, job->large_len, &crc);
        if (error)
            return error == -E_EOF ? -E_CORRUPT : error;
        if (crc != job->large_crc)
            return -E_CORRUPT;
    }
    job->ret_fd = TAKE_FD(fd);
    return 0;
}

static int load(void *arg) {
    struct load_job *job = arg;
    int error = pack_read_body(job->log_fd, &job->place, 0, job->bytes, job->place.body_len);
    if (error)
        return error == -E_EOF ? -E_CORRUPT : error;
    return job->large_dir >= 0 ? load_large(job) : 0;
}

/* What was loaded goes to its message, unless that is gone or somebody else was quicker. */
static int adopt(struct spool *s, uint64_t id, struct spool_cached *c, struct spool_cached **ret) {
    struct stored *st = stored_find(s, id);
    if (!st || st->cached) {
        cached_leave(s, c);
        if (!st)
            return -E_UNKNOWN;
        cached_use(st->cached);
        *ret = st->cached;
        return 0;
    }
    st->large_checked = true;
    c->stored = st;
    st->cached = c;
    *ret = c;
    return 0;
}

int body_load(struct spool *s, struct stored *st, struct spool_cached **ret) {
    if (st->cached) {
        cached_use(st->cached);
        *ret = st->cached;
        return 0;
    }
    if (st->message.damaged)
        return -E_CORRUPT;
    struct segment *seg = st->segment;
    struct spool_cached *c = cached_new(s, (size_t)st->place.body_len);
    c->crc = st->place.body_crc;
    uint64_t id = st->message.id, file_len = st->large_len;
    struct load_job job = {
        .log_fd = seg->file.fd,
        .place = st->place,
        .bytes = c->bytes,
        .large_dir = st->large ? s->large_dir : -1,
        .id = id,
        .large_len = st->large_len,
        .large_crc = st->large_crc,
        .check_large = !st->large_checked,
        .ret_fd = -1,
    };
    seg->readers++;
    int error = offload(OFFLOAD_DISK, load, &job);
    seg->readers--;
    if (error) {
        cached_leave(s, c);
        st = stored_find(s, id);
        if (st && error == -E_CORRUPT && !st->message.damaged) {
            st->message.damaged = true;
            seg->tainted = true;
            spool_log(s, SPOOL_NOTICE_DAMAGE, "message %llx: its bytes in %s fail their checksum",
                      (unsigned long long)id, seg->name);
        }
        return st ? error : -E_UNKNOWN;
    }
    if (job.ret_fd >= 0)
        cached_set_file(s, c, job.ret_fd, file_len);
    return adopt(s, id, c, ret);
}

int spool_body_open(struct spool *s, uint64_t id, struct spool_body *ret) {
    struct stored *st = stored_find(s, id);
    if (!st)
        return -E_UNKNOWN;
    struct spool_cached *c = NULL;
    int error = body_load(s, st, &c);
    if (error)
        return error;
    *ret = (struct spool_body){.bytes = slice_of(c->bytes, c->len),
                               .fd = c->fd,
                               .file_len = c->file_len,
                               .spool = s,
                               .cached = c};
    return 0;
}

struct read_job {
    int fd;
    uint64_t offset;
    char *to;
    size_t len;
};

static int read_file(void *arg) {
    const struct read_job *job = arg;
    int error = read_exactly(job->fd, job->to, job->len, job->offset);
    return error == -E_EOF ? -E_CORRUPT : error;
}

ssize_t spool_body_read(const struct spool_body *body, uint64_t offset, void *to, size_t len) {
    uint64_t whole = body->bytes.len + body->file_len;
    if (offset >= whole)
        return 0;
    len = (size_t)MIN((uint64_t)len, whole - offset);
    size_t done = 0;
    if (offset < body->bytes.len) {
        struct slice piece = slice_first(slice_from(body->bytes, (size_t)offset), len);
        memcpy(to, piece.ptr, piece.len);
        done = piece.len;
    }
    if (done < len) {
        struct read_job job = {.fd = body->fd,
                               .offset = offset + done - body->bytes.len,
                               .to = (char *)to + done,
                               .len = len - done};
        int error = offload(OFFLOAD_DISK, read_file, &job);
        if (error)
            return error;
    }
    return (ssize_t)len;
}

void spool_body_close(struct spool_body *body) {
    if (body->cached)
        cached_leave(body->spool, body->cached);
    *body = (struct spool_body){.fd = -1};
}
