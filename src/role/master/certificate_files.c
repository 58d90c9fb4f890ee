/* SPDX-License-Identifier: ISC */
/*
 * Links are followed: certbot's links in live/NAME are replaced by a renewal. A file is
 * taken for changed when anything of it has, also the time of its last change of rights or name.
 */
#include "role/master/certificate_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/words.h"

static const char *const settings[2] = {"tls.certificate", "tls.key"};

static int bad_path(unsigned which, const char *path, int error, struct problem *problem) {
    const char *name = settings[which];
    if (error == ENOENT || error == ENOTDIR)
        return problem_set(problem, -error, _("%s: %s is not there, expected a file in PEM form"),
                           name, path);
    if (error == EACCES || error == EPERM)
        return problem_set(problem, -error,
                           _("%s: %s may not be read by this user; run this as root, who alone can"
                             " read such files"),
                           name, path);
    return problem_set(problem, -error, _("%s: %s cannot be read: %s"), name, path,
                       error_words(error));
}

static int open_one(unsigned which, const char *path, int *ret_fd, struct stat *ret_state,
                    struct problem *problem) {
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*ret_fd < 0 || fstat(*ret_fd, ret_state) < 0)
        return bad_path(which, path, errno, problem);
    return S_ISREG(ret_state->st_mode)
               ? 0
               : problem_set(problem, -EINVAL,
                             _("%s: %s is no regular file, expected one in PEM form"),
                             settings[which], path);
}

/* A folder on the way that others may not enter protects a file whose own mode does not. */
static bool folders_protect(const char *path) {
    _cleanup_(free_p) char *real = realpath(path, NULL);
    struct stat st;
    for (char *at = real ? strrchr(real, '/') : NULL; at && at != real; at = strrchr(real, '/')) {
        *at = '\0';
        if (stat(real, &st) == 0 && !(st.st_mode & S_IXOTH))
            return true;
    }
    return false;
}

/* Groups are the administrator's affair (Debian's ssl-cert). */
int certificate_files_judge(const struct conf *conf, const struct certificate_files *f,
                            bool *ret_loose, struct problem *problem) {
    const char *path = conf->tls.key.ptr;
    unsigned mode = (unsigned)f->states[1].st_mode & 0777;
    *ret_loose = f->key >= 0 && mode & (S_IROTH | S_IWOTH);
    if (!*ret_loose || folders_protect(path))
        return 0;
    return problem_set(
        problem, -EPERM,
        _("tls.key: the private key %s may be read by others (mode %03o): chmod o= %s,"
          " and if it was so for long, get a new one"),
        path, mode, path);
}

int certificate_files_open(const struct conf *conf, struct certificate_files *ret,
                           struct problem *problem) {
    struct certificate_files f = {.certificate = -1, .key = -1};
    int r = 0;
    if (conf->tls.certificate.len > 0)
        r = open_one(0, conf->tls.certificate.ptr, &f.certificate, &f.states[0], problem);
    if (r == 0 && conf->tls.key.len > 0)
        r = open_one(1, conf->tls.key.ptr, &f.key, &f.states[1], problem);
    if (r < 0)
        certificate_files_close(&f);
    *ret = f;
    return r;
}

void certificate_files_close(struct certificate_files *f) {
    if (f->certificate >= 0)
        (void)close(f->certificate);
    if (f->key >= 0)
        (void)close(f->key);
    f->certificate = f->key = -1;
}

bool certificate_files_look(const struct conf *conf, struct stat ret[static 2]) {
    memset(ret, 0, 2 * sizeof *ret);
    if (conf->tls.certificate.len == 0)
        return false;
    (void)stat(conf->tls.certificate.ptr, &ret[0]);
    (void)stat(conf->tls.key.ptr, &ret[1]);
    return true;
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool certificate_files_same(const struct stat a[static 2], const struct stat b[static 2]) {
    for (size_t i = 0; i < 2; i++) {
        if (a[i].st_dev != b[i].st_dev || a[i].st_ino != b[i].st_ino ||
            a[i].st_size != b[i].st_size || !same_time(&a[i].st_mtim, &b[i].st_mtim) ||
            !same_time(&a[i].st_ctim, &b[i].st_ctim))
            return false;
    }
    return true;
}
