/* SPDX-License-Identifier: ISC */
/* Room on the disk, and what takes it for a while. */
#include "store/solo/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"

#define SPACE_CHECKED (250 * USEC_MS)
#define PENDING_MAX   50000U /* records that mail.db may trail when it cannot be written */

struct space_job {
    const char *dir;
    uint64_t free;
};

static int check_space(void *arg) {
    struct space_job *j = arg;
    struct statvfs v;
    if (statvfs(j->dir, &v) < 0)
        return -errno;
    j->free = (uint64_t)v.f_bavail * v.f_frsize;
    return 0;
}

uint64_t solo_free_bytes(struct store_backend *b) {
    struct space_job j = {.dir = solo_of(b)->dir};
    return offload(OFFLOAD_DISK, check_space, &j) == 0 ? j.free : UINT64_MAX;
}

/* D4: says no before it is too late. Removing messages and compaction still have room then. */
int solo_has_room(struct backend_account *account, uint64_t bytes) {
    const struct solo_account *a = account_of(account);
    struct solo *s = a->solo;
    bool stale = !s->space_checked || fiber_now() >= s->space_checked + SPACE_CHECKED;
    if (s->options.min_free > 1 && stale) {
        struct space_job j = {.dir = s->dir};
        s->space_checked = fiber_now();
        if (offload(OFFLOAD_DISK, check_space, &j) == 0)
            s->space_free = j.free;
    }
    if (s->space_free < s->options.min_free || s->space_free - s->options.min_free < bytes)
        return -ENOSPC;
    return a->pending_count > PENDING_MAX ? -E_TEMPORARY : 0;
}

void solo_set_min_free(struct store_backend *b, uint64_t bytes) {
    struct solo *s = solo_of(b);
    s->options.min_free = bytes ? bytes : SOLO_MIN_FREE;
    s->space_checked = 0; /* the next delivery looks again */
    s->space_free = UINT64_MAX;
}

struct scratch_job {
    const char *dir;
    int file;
};

/*
 * Where a file system has no files without a name (NFS, FUSE): the name goes at once. Another
 * thread may take it away first, or a process that died may have left it: whoever has the file, has
 * it.
 */
static int open_and_unlink(const char *dir) {
    _cleanup_(free_p) char *path = mem_printf("%s/incoming", dir);
    int file;
    do {
        file = open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
        if (file < 0 && errno != EEXIST)
            return -errno;
        if (unlink(path) < 0 && errno != ENOENT) {
            int error = -errno;
            close_p(&file);
            return error;
        }
    } while (file < 0);
    return file;
}

static int open_scratch(void *arg) {
    struct scratch_job *j = arg;
    j->file = open(j->dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    int error = j->file < 0 ? -errno : 0;
    if (error == -EOPNOTSUPP || error == -EISDIR)
        error = j->file = open_and_unlink(j->dir);
    return MIN(error, 0);
}

int solo_scratch(struct backend_account *a, int *ret_file) {
    struct scratch_job j = {.dir = account_of(a)->dir};
    int error = offload(OFFLOAD_DISK, open_scratch, &j);
    if (!error)
        *ret_file = j.file;
    return error;
}
