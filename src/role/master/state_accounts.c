/* SPDX-License-Identifier: ISC */
/*
 * accounts/<xx>/<number>/ as its names tell; nothing in it is opened but the folders <xx>. They are
 * the mail role's, who may lay anything into them: no link is followed, and a number that counting
 * never reaches is passed over, or one such name would leave none for new accounts.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/words.h"
#include "people/account.h"
#include "role/master/state.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void close_entries(DIR **entries) {
    if (*entries)
        (void)closedir(*entries);
}

/* NULL, with errno 0, for what is no folder or has just gone. */
static DIR *open_entries(int at, const char *name) {
    _cleanup_(close_p) int fd = openat(at, name, FOLDER);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries)
        (void)TAKE_FD(fd);
    else if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
        errno = 0;
    return entries;
}

static int look_through(DIR *group, uint64_t *last) {
    const struct dirent *e;
    uint64_t number = 0;
    while ((errno = 0, e = readdir(group)))
        if (e->d_name[0] != '0' &&
            slice_to_u64(slice_of_str(e->d_name), ACCOUNT_NUMBER_MAX, &number) == 0)
            *last = MAX(*last, number);
    return -errno;
}

int state_last_account(const char *directory, uint64_t *ret, struct problem *problem) {
    char path[STATE_PATH];
    const struct dirent *e;
    uint64_t last = 0;
    _cleanup_(close_entries) DIR *groups =
        open_entries(AT_FDCWD, state_path(path, directory, "accounts"));
    int r = groups ? 0 : -errno;
    while (r == 0 && groups && (errno = 0, e = readdir(groups))) {
        if (e->d_name[0] == '.')
            continue;
        _cleanup_(close_entries) DIR *group = open_entries(dirfd(groups), e->d_name);
        r = group ? look_through(group, &last) : -errno;
    }
    if (r == 0 && groups)
        r = -errno;
    if (r < 0)
        return problem_set(problem, r, N_("%s cannot be looked through: %s"), path, error_text(r));
    *ret = last;
    return 0;
}
