/* SPDX-License-Identifier: ISC */
#include "role/master/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/words.h"

#define MODE  0640 /* whatever the umask is: a group may be given the right to read */
#define FLAGS (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)

static int bad_path(const char *path, int error, struct problem *problem) {
    if (error == ELOOP)
        return problem_set(problem, -error,
                           N_("log.file: %s is a symbolic link, expected the file itself"), path);
    if (error == ENOENT)
        return problem_set(problem, -error,
                           N_("log.file: the folder of %s is not there, expected one that exists"),
                           path);
    return problem_set(
        problem, -error,
        N_("log.file: %s cannot be written: %s; expected a file, or the name of a new"
           " one, that the master can write"),
        path, error_text(error));
}

/* Whoever can write in the folder could have given this name to any file of the disk. */
static int check_kind(const char *path, const struct stat *st, struct problem *problem) {
    if (S_ISLNK(st->st_mode))
        return bad_path(path, ELOOP, problem);
    if (!S_ISREG(st->st_mode))
        return problem_set(
            problem, -EINVAL,
            N_("log.file: %s is no regular file, expected one or the name of a new one"), path);
    if (st->st_nlink > 1)
        return problem_set(problem, -EMLINK,
                           N_("log.file: %s is a hard link, expected a file without a second name"),
                           path);
    return 0;
}

int log_file_open(const struct conf *conf, int *ret_fd, struct problem *problem) {
    const char *path = conf->log.file.ptr;
    struct stat st;
    *ret_fd = -1;
    if (!path)
        return 0;
    _cleanup_(close_p) int fd = open(path, FLAGS);
    if (fd < 0 && errno == ENOENT) {
        /* nobody else can have a file open that we make */
        fd = open(path, FLAGS | O_CREAT | O_EXCL, MODE);
        if (fd >= 0)
            (void)fchmod(fd, MODE);
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return bad_path(path, errno, problem);
    int r = check_kind(path, &st, problem);
    if (r == 0)
        *ret_fd = TAKE_FD(fd);
    return r;
}

static int check_folder(struct slice path, struct problem *problem) {
    struct slice folder = slice_first(path, (size_t)slice_rfind_byte(path, '/') + 1);
    _cleanup_(free_p) char *name = mem_str(folder); /* of "/x" it is "/" */
    if (faccessat(AT_FDCWD, name, W_OK | X_OK, AT_EACCESS) < 0)
        return bad_path(path.ptr, errno, problem);
    return 0;
}

int log_file_check(const struct conf *conf, struct problem *problem) {
    const char *path = conf->log.file.ptr;
    struct stat st;
    if (!path)
        return 0;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? check_folder(conf->log.file, problem)
                               : bad_path(path, errno, problem);
    int r = check_kind(path, &st, problem);
    if (r == 0 && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
        r = bad_path(path, errno, problem);
    return r;
}
