/* SPDX-License-Identifier: ISC */
/*
 * A file with passwords that others could read, or change, is none: it is refused.
 */
#include "role/queue/relay_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/words.h"
#include "io/file.h"
#include "relay/via.h"

static int open_one(const char *setting, const char *path, int *ret_fd, struct stat *ret_state,
                    struct problem *problem) {
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = *ret_fd < 0 || fstat(*ret_fd, ret_state) < 0 ? -errno : 0;
    if (r < 0)
        return problem_set(problem, r, _("%s: %s cannot be read: %s"), setting, path,
                           error_words(r));
    return S_ISREG(ret_state->st_mode)
               ? 0
               : problem_set(problem, -EINVAL, _("%s: %s is no regular file, expected one"),
                             setting, path);
}

static int open_passwords(const char *path, int *ret_fd, struct problem *problem) {
    struct stat st = {0};
    int r = open_one("relay.password-file", path, ret_fd, &st, problem);
    if (r < 0)
        return r;
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077) != 0)
        return problem_set(
            problem, -EPERM,
            _("relay.password-file: others than root may read or change %s; expected "
              "its owner to be root and its mode 0600 (chown root %s; chmod 600 %s)"),
            path, path, path);
    return 0;
}

static void leave(int *fd) {
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

int relay_files_open(const struct conf *conf, unsigned given, struct relay_files *ret,
                     struct problem *problem) {
    struct stat st = {0};
    int r = 0, s = 0;
    *ret = (struct relay_files){-1, -1};
    bool needed = conf->relay.mta_sts || relay_via_verifies(conf);
    struct problem unneeded = {0}; /* only some messages will need them, and say so */
    if (given & GIVEN_AUTHORITIES && conf->relay.authorities.len > 0)
        r = open_one("relay.authorities", conf->relay.authorities.ptr, &ret->authorities, &st,
                     needed ? problem : &unneeded);
    if (r < 0)
        leave(&ret->authorities);
    if (!needed)
        r = 0;
    if (given & GIVEN_PASSWORDS && conf->relay.password_file.len > 0)
        s = open_passwords(conf->relay.password_file.ptr, &ret->passwords, problem);
    if (s < 0)
        leave(&ret->passwords);
    return s < 0 ? s : r;
}

void relay_files_close(struct relay_files *f) {
    leave(&f->passwords);
    leave(&f->authorities);
}

int relay_files_read(int file, size_t max, struct slice *ret) {
    struct stat st;
    *ret = (struct slice){NULL, 0};
    if (file < 0)
        return 0;
    if (fstat(file, &st) < 0)
        return -errno;
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return -E_LIMIT;
    struct slice text = {mem_zero((size_t)st.st_size + 1), 0};
    int n = 0;
    while (text.len < (size_t)st.st_size &&
           (n = file_read(file, text.len, (char *)text.ptr + text.len,
                          (size_t)st.st_size - text.len)) > 0)
        text.len += (size_t)n;
    if (n < 0) {
        relay_files_forget(&text);
        return n;
    }
    *ret = text;
    return 0;
}

void relay_files_forget(struct slice *text) {
    if (text->ptr)
        explicit_bzero((char *)text->ptr, text->len);
    free((char *)text->ptr);
    *text = (struct slice){NULL, 0};
}
