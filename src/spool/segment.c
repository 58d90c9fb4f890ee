/* SPDX-License-Identifier: ISC */
/*
 * Segments: setting spare ones aside, beginning the next, freeing the oldest.
 *
 * A spare is a full-length file of zeros or old records, so that a commit changes no metadata. (One
 * stream of 4.7 KB commits on ext4: growing file 5,000/s, allocated but unwritten 5,500/s, written
 * before 8,500/s.) A freed segment becomes the next spare; its old records are told from the new
 * ones by the generation. The head of a spare is written when it becomes a segment, before the
 * rename that makes it one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/random.h"
#include "spool/log.h"

#define RETRY_SPARE (2 * USEC_SEC)
#define FIRST_SIZE  (4ULL << 20) /* where no spare is left from before: the opening waits for it */

struct segment *segment_add(struct spool *s, const struct pack_file *file, const char *name) {
    struct segment *seg = NEW(struct segment);
    seg->file = *file;
    (void)snprintf(seg->name, sizeof seg->name, "%s", name);
    list_init(&seg->messages);
    list_append(&s->segments, &seg->link);
    s->stat.segments++;
    return seg;
}

void segment_free(struct spool *s, struct segment *seg) {
    s->stat.segments--;
    link_remove(&seg->link);
    pack_file_close(&seg->file);
    free(seg);
}

uint64_t segment_room(const struct spool *s) {
    const struct segment *seg = s->current;
    bool usable = !seg->failed && seg->file.end < seg->file.reserved;
    return usable ? seg->file.reserved - seg->file.end : 0;
}

void segment_failed(struct spool *s, struct segment *seg, int error) {
    seg->failed = seg->tainted = true;
    s->stat.failed_segments++;
    spool_log(s, SPOOL_NOTICE_FAILED, "%s: writing failed (%s); it is not written to any more",
              seg->name, error_text(error));
}

/* ------------------------------------------------------------------ spares */

struct spare_job {
    struct spool *spool;
    uint64_t size;
    struct spare spare;
};

static int make_spare(void *arg) {
    struct spare_job *job = arg;
    struct spool *s = job->spool;
    struct pack_file_head head = {.kind = SPOOL_KIND, .generation = random_u64() | 1};
    (void)snprintf(job->spare.name, SEGMENT_NAME, "spare-%016llx",
                   (unsigned long long)random_u64());
    int error = pack_file_create(s->dir, job->spare.name, &head, job->size, s->options.io,
                                 &job->spare.file);
    job->spare.ready = error == 0;
    return error;
}

/* At the opening a smaller segment is better than a spool that does not open. */
int segment_prepare_spare(struct spool *s) {
    int error = fiber_mutex_lock(&s->spare_lock);
    if (error)
        return error;
    bool failed_lately = s->spare_failed && fiber_now() - s->spare_failed < RETRY_SPARE;
    if (!s->spare.ready && failed_lately) {
        error = -ENOSPC;
    } else if (!s->spare.ready) {
        uint64_t size = s->options.segment_size;
        struct spare_job job = {.spool = s, .size = s->current ? size : MIN(size, FIRST_SIZE)};
        do {
            error = offload(OFFLOAD_DISK, make_spare, &job);
            job.size = job.size / 4 / SPOOL_BLOCK * SPOOL_BLOCK;
        } while (error == -ENOSPC && !s->current && job.size >= 16ULL * SPOOL_BLOCK);
        if (error && !s->spare_failed)
            spool_log(s, SPOOL_NOTICE_LOW, "no further segment can be set aside: %s",
                      error_text(error));
        s->spare_failed = error ? fiber_now() : 0;
        if (!error)
            s->spare = job.spare;
    }
    fiber_mutex_unlock(&s->spare_lock);
    return error;
}

/* ------------------------------------------------------------------ the next segment */

struct begin_job {
    struct spool *spool;
    struct spare spare;
    char name[SEGMENT_NAME];
};

static int begin_segment(void *arg) {
    struct begin_job *job = arg;
    struct spool *s = job->spool;
    char head[PACK_FILE_HEAD];
    pack_file_encode(&job->spare.file.head, head);
    struct iovec iov = {head, sizeof head};
    ssize_t n = s->options.io->pwritev(job->spare.file.fd, &iov, 1, 0);
    if (n != sizeof head)
        return n < 0 ? -errno : -EIO;
    if (s->options.io->fdatasync(job->spare.file.fd) < 0)
        return -errno;
    if (renameat(s->dir, job->spare.name, s->dir, job->name) < 0)
        return -errno;
    return pack_sync_dir(s->dir);
}

int segment_rotate(struct spool *s) {
    if (!s->spare.ready)
        segment_release_oldest(s);
    int error = segment_prepare_spare(s);
    if (error)
        return error;
    struct begin_job job = {.spool = s, .spare = s->spare};
    s->spare = (struct spare){0};
    job.spare.file.end = SPOOL_BLOCK;
    job.spare.file.head = (struct pack_file_head){.kind = SPOOL_KIND,
                                                  .number = s->next_number++,
                                                  .generation = random_u64() | 1,
                                                  .created = fiber_wall()};
    (void)snprintf(job.name, sizeof job.name, "segment-%016llx",
                   (unsigned long long)job.spare.file.head.number);
    error = offload(OFFLOAD_SYNC, begin_segment, &job);
    if (error) {
        spool_log(s, SPOOL_NOTICE_FAILED, "%s: cannot begin a segment: %s", job.name,
                  error_text(error));
        pack_file_close(&job.spare.file);
        return error;
    }
    if (s->current)
        log_seal_encode(&(struct log_seal){s->current->file.head.number, s->current->file.end},
                        &s->seals);
    s->current = segment_add(s, &job.spare.file, job.name);
    fiber_cond_wake_all(&s->keeper_wanted);
    return 0;
}

/* ------------------------------------------------------------------ freeing */

enum release { TO_SPARE, TO_QUARANTINE, TO_NOTHING };

struct release_job {
    struct spool *spool;
    struct segment *segment;
    enum release how;
    char spare_name[SEGMENT_NAME];
};

static int release(void *arg) {
    struct release_job *job = arg;
    int dir = job->spool->dir;
    const char *name = job->segment->name;
    int r = 0;
    switch (job->how) {
    case TO_SPARE:
        (void)snprintf(job->spare_name, SEGMENT_NAME, "spare-%s", name + strlen("segment-"));
        r = renameat(dir, name, dir, job->spare_name);
        break;
    case TO_QUARANTINE:
        r = renameat(dir, name, job->spool->quarantine_dir, name);
        if (r == 0)
            r = fsync(job->spool->quarantine_dir);
        break;
    case TO_NOTHING:
        r = unlinkat(dir, name, 0);
        break;
    }
    if (r < 0 && errno != ENOENT)
        return -errno;
    r = pack_sync_dir(dir);
    if (r == 0 && job->how != TO_SPARE) /* here, since the kernel frees its blocks meanwhile */
        pack_file_close(&job->segment->file);
    return r;
}

struct segment *segment_oldest(struct spool *s) {
    struct link *k = list_first(&s->segments);
    return k ? CONTAINER_OF(k, struct segment, link) : NULL;
}

bool segment_oldest_is_free(struct spool *s) {
    struct segment *seg = segment_oldest(s);
    return seg && seg != s->current && list_empty(&seg->messages) && seg->readers == 0;
}

static int release_one(struct spool *s, struct segment *seg) WAITS {
    bool reuse = !s->spare.ready && seg->file.reserved == s->options.segment_size;
    struct release_job job = {.spool = s, .segment = seg};
    job.how = seg->tainted ? TO_QUARANTINE : reuse ? TO_SPARE : TO_NOTHING;
    int error = offload(OFFLOAD_SYNC, release, &job);
    if (error)
        return error;
    if (job.how == TO_SPARE) {
        s->spare.ready = true;
        s->spare.file = seg->file;
        seg->file.fd = -1;
        memcpy(s->spare.name, job.spare_name, SEGMENT_NAME);
        s->spare_failed = 0;
    }
    s->stat.quarantined += job.how == TO_QUARANTINE;
    segment_free(s, seg);
    return 0;
}

void segment_release_oldest(struct spool *s) {
    if (fiber_mutex_lock(&s->spare_lock) < 0)
        return;
    while (segment_oldest_is_free(s)) {
        struct segment *seg = segment_oldest(s);
        int error = release_one(s, seg);
        if (error) {
            spool_log(s, SPOOL_NOTICE_FAILED, "%s: cannot be freed: %s", seg->name,
                      error_text(error));
            break;
        }
    }
    fiber_mutex_unlock(&s->spare_lock);
}

/* ------------------------------------------------------------------ free space */

struct space_job {
    int dir;
    uint64_t free_bytes;
};

static int look_at_space(void *arg) {
    struct space_job *job = arg;
    struct statvfs v;
    if (fstatvfs(job->dir, &v) < 0)
        return -errno;
    job->free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    return 0;
}

int spool_refresh_space(struct spool *s) {
    struct space_job job = {.dir = s->dir};
    if (s->free_seen && fiber_now() - s->free_seen < USEC_SEC)
        return 0;
    s->free_seen = fiber_now();
    int error = offload(OFFLOAD_DISK, look_at_space, &job);
    if (error == 0)
        s->free_bytes = job.free_bytes;
    return error;
}

/* ------------------------------------------------------------------ work for the keeper */

#define SMALL_LOG 4U /* so many segments are not worth copying for */

struct segment *segment_to_empty(struct spool *s) {
    if (s->stat.failed_segments > 0)
        LIST_EACH (seg, &s->segments, struct segment, link)
            if (seg->failed && !list_empty(&seg->messages))
                return seg;
    struct segment *seg = segment_oldest(s);
    bool scarce = !s->spare.ready && s->spare_failed;
    if (seg == s->current || list_empty(&seg->messages) ||
        (s->stat.segments <= SMALL_LOG && !scarce))
        return NULL;
    bool mostly_dead = seg->alive < seg->file.reserved / 2;
    uint64_t log_length = s->stat.segments * s->options.segment_size;
    bool log_too_long = log_length > 2 * s->alive + SMALL_LOG * s->options.segment_size;
    return mostly_dead || log_too_long ? seg : NULL;
}

bool segment_keeper_is_needed(struct spool *s) {
    return segment_oldest_is_free(s) || !s->spare.ready || s->unlinks.len > 0 ||
           segment_to_empty(s);
}
