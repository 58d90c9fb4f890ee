/* SPDX-License-Identifier: ISC */
/*
 * Deleting all files of an account. First its folder gets another name, durably: from then on the
 * account has nothing, also after a crash, and what stands under the other name is rubbish that the
 * next call for the same account deletes.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/solo/inside.h"

#define TREE_FDS 16

struct purge_job {
    char *dir; /* of the account */
};

static int delete_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)ftw;
    int r = type == FTW_DP || type == FTW_D || type == FTW_DNR ? rmdir(path) : unlink(path);
    return r < 0 && errno != ENOENT ? -1 : 0;
}

static int delete_tree(const char *path) {
    int r = nftw(path, delete_one, TREE_FDS, FTW_DEPTH | FTW_PHYS);
    return r != 0 && errno != ENOENT ? -errno : 0;
}

static int sync_dir(const char *path) {
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int run_purge(void *arg) {
    struct purge_job *j = arg;
    _cleanup_(free_p) char *rubbish = mem_printf("%s.purged", j->dir);
    _cleanup_(free_p) char *group = mem_str(
        slice_first(slice_of_str(j->dir), (size_t)slice_rfind_byte(slice_of_str(j->dir), '/')));
    if (access(group, F_OK) < 0 && errno == ENOENT)
        return 0; /* no message has ever come to any account there */
    int r = delete_tree(rubbish);
    if (r == 0 && rename(j->dir, rubbish) < 0 && errno != ENOENT)
        r = -errno;
    if (r == 0)
        r = sync_dir(group);
    if (r == 0)
        r = delete_tree(rubbish);
    return r < 0 ? r : sync_dir(group);
}

int solo_purge_files(const char *dir, uint64_t account) {
    _cleanup_(free_p) char *account_dir = replay_account_dir(dir, account);
    return run_purge(&(struct purge_job){.dir = account_dir});
}

int solo_purge(struct store_backend *b, uint64_t id) {
    _cleanup_(free_p) char *dir = replay_account_dir(solo_of(b)->dir, id);
    return offload(OFFLOAD_DISK, run_purge, &(struct purge_job){.dir = dir});
}
