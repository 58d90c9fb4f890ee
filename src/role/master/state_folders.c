/* SPDX-License-Identifier: ISC */
/*
 * A role that was taken over owns its folder and may lay anything into it, while root works on the
 * names in there. So each step goes from an open folder to a name in it, no symbolic link is
 * followed, and a file with a second name, which may lie elsewhere, is not given away.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/words.h"
#include "role/master/state.h"

#define DEPTH_MAX  16U /* folders in folders; ours have four */
#define LOOK_DEPTH 2U  /* so far owners are looked at: to the folder of each account */
#define FOLDER     (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const struct {
    const char *name;
    mode_t mode;
    char owner; /* r: root, v: vault, m: mail */
} folders[] = {
    {"run", 0755, 'r'},   {"run/empty", 0555, 'r'}, {"directory", 0700, 'v'}, {"keys", 0700, 'v'},
    {"spool", 0700, 'm'}, {"accounts", 0700, 'm'},  {"events", 0700, 'm'},
};

/* ------------------------------------------------------------------ giving */

static int give_inside(int folder, const struct state_user *to, unsigned depth);

static int give_entry(int folder, const char *name, const struct state_user *to, unsigned depth) {
    _cleanup_(close_p) int fd = -1;
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) /* nothing that a role would open */
        return 0;
    fd = openat(folder, name,
                S_ISDIR(st.st_mode) ? FOLDER : O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode) && st.st_nlink > 1)
        return -EMLINK;
    if (S_ISDIR(st.st_mode)) {
        int r = depth < DEPTH_MAX ? give_inside(fd, to, depth + 1) : -ELOOP;
        if (r < 0)
            return r;
    }
    return fchown(fd, to->uid, to->gid) < 0 ? -errno : 0;
}

typedef int entry_fn(int folder, const char *name, const struct state_user *to, unsigned depth);

static int each_entry(int folder, entry_fn *fn, const struct state_user *to, unsigned depth) {
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    int r = entries ? 0 : -errno;
    for (struct dirent *e; r == 0 && entries && (e = readdir(entries));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            r = fn(folder, e->d_name, to, depth);
    }
    if (entries)
        (void)closedir(entries);
    else if (copy >= 0)
        (void)close(copy);
    return r;
}

static int give_inside(int folder, const struct state_user *to, unsigned depth) {
    return each_entry(folder, give_entry, to, depth);
}

static int give_wrong(int folder, const struct state_user *to, unsigned depth);

/* What a part of a backup has brought. */
static int look_at_entry(int folder, const char *name, const struct state_user *to,
                         unsigned depth) {
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (st.st_uid != to->uid || st.st_gid != to->gid)
        return give_entry(folder, name, to, depth);
    if (!S_ISDIR(st.st_mode) || depth + 1 == LOOK_DEPTH)
        return 0;
    _cleanup_(close_p) int fd = openat(folder, name, FOLDER);
    return fd < 0 ? -errno : give_wrong(fd, to, depth + 1);
}

static int give_wrong(int folder, const struct state_user *to, unsigned depth) {
    return each_entry(folder, look_at_entry, to, depth);
}

/* A folder of somebody else is given whole, itself at the end: what was broken off begins again. */
static int give_folder(int folder, const struct state_user *to) {
    struct stat st;
    if (fstat(folder, &st) < 0)
        return -errno;
    if (st.st_uid == to->uid && st.st_gid == to->gid)
        return give_wrong(folder, to, 0);
    int r = give_inside(folder, to, 0);
    if (r < 0)
        return r;
    return fchown(folder, to->uid, to->gid) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ preparing */

/* The name has folders before it that are root's alone. `ret_was`: the mode until now. */
static int prepare_folder(int state, const char *name, mode_t mode, const struct state_user *to,
                          mode_t *ret_was) {
    struct stat st;
    bool made = mkdirat(state, name, mode) == 0;
    if (!made && errno != EEXIST)
        return -errno;
    _cleanup_(close_p) int folder = openat(state, name, FOLDER);
    if (folder < 0 || fstat(folder, &st) < 0 || fchmod(folder, mode) < 0)
        return -errno;
    *ret_was = made ? mode : st.st_mode & 07777;
    return to ? give_folder(folder, to) : 0;
}

static const struct state_user *owner_of(const struct state_users *users, char owner) {
    static const struct state_user root;
    return owner == 'v' ? &users->vault : owner == 'm' ? &users->mail : &root;
}

static const char *advice(int r) {
    return r == -ENOTDIR || r == -ELOOP
               ? _("; it has to be a folder, not a symbolic link to one or anything else")
           : r == -EMLINK ? _("; a file in it has a second name (find it with: find DIRECTORY -type"
                              " f -links +1), which nothing of ours has")
           : (r == -EACCES || r == -EPERM) && geteuid() != 0
               ? _("; run this as root, or as the user to whom it belongs")
               : "";
}

int state_prepare(const char *directory, const struct state_users *users, struct buf *ret_tightened,
                  struct problem *problem) {
    char path[STATE_PATH];
    _cleanup_(close_p) int state = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        const struct state_user *owner = owner_of(users, folders[i].owner);
        mode_t mode = folders[i].mode, was = mode;
        int r = state < 0 ? -errno
                          : prepare_folder(state, folders[i].name, mode,
                                           users->change ? owner : NULL, &was);
        (void)state_path(path, directory, folders[i].name);
        if (r < 0)
            return problem_set(problem, r, _("folder %s cannot be prepared: %s%s"), path,
                               error_words(r), advice(r));
        if (ret_tightened && was & ~mode & 0077)
            buf_printf(ret_tightened,
                       "The folder %s had mode %04o, with which others could look into it; it has"
                       " %04o now.\n",
                       path, (unsigned)was, (unsigned)mode);
    }
    return 0;
}

const char *state_next_missing(const char *directory, size_t *at) {
    while (*at < ARRAY_SIZE(folders)) {
        char path[STATE_PATH];
        struct stat st;
        size_t i = (*at)++;
        if (folders[i].owner != 'r' &&
            lstat(state_path(path, directory, folders[i].name), &st) < 0 && errno == ENOENT)
            return folders[i].name;
    }
    return NULL;
}

/* ------------------------------------------------------------------ files of others */

static void close_walk(FTS **walk) {
    if (*walk)
        (void)fts_close(*walk);
}

/* A start looks at less: it would take long where there are many mailboxes. */
void state_each_stray(const char *directory, const struct state_users *users,
                      void (*fn)(void *arg, const struct state_stray *stray), void *arg) {
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        char path[STATE_PATH];
        _cleanup_(free_p) char *first = NULL;
        char *const start[] = {path, NULL};
        struct state_user owner = *owner_of(users, folders[i].owner);
        struct state_stray stray = {path, NULL, &owner, 0};
        struct stat st;
        if (folders[i].owner == 'r' || lstat(state_path(path, directory, folders[i].name), &st) < 0)
            continue;
        if (st.st_uid != owner.uid) /* of a server that runs as somebody else, not as root */
            (void)snprintf(owner.name, sizeof owner.name, "uid %u", (unsigned)st.st_uid);
        owner.uid = st.st_uid;
        owner.gid = st.st_gid;
        _cleanup_(close_walk) FTS *walk =
            fts_open(start, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
        for (FTSENT *e; walk && (e = fts_read(walk));) {
            bool ours = e->fts_info == FTS_D || e->fts_info == FTS_F;
            if (!ours || e->fts_statp->st_uid == stray.owner->uid)
                continue;
            if (stray.count++ > 0)
                continue;
            first = mem_str(slice_of_str(e->fts_path));
            stray.path = first;
        }
        if (stray.count > 0)
            fn(arg, &stray);
    }
}

/* ------------------------------------------------------------------ rights */

static int check_rights(const char *path, struct problem *problem) {
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0
                               : problem_set(problem, -errno, _("%s cannot be looked at: %s"), path,
                                             error_words(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return problem_set(problem, -EPERM,
                           _("%s belongs to another user, who could change it; expected its owner"
                             " to be root (chown root %s)"),
                           path, path);
    if (st.st_mode & 022)
        return problem_set(problem, -EPERM,
                           _("%s has mode %04o, which lets others change it; expected no right to"
                             " write for group and others (chmod go-w %s)"),
                           path, (unsigned)(st.st_mode & 07777), path);
    return 0;
}

/* Nobody but the roles lays anything into their folders: what was laid there would be believed. */
static int check_folders(const char *directory, struct problem *problem) {
    char path[STATE_PATH];
    struct stat st;
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        (void)state_path(path, directory, folders[i].name);
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_mode & 022)
            return problem_set(problem, -EPERM,
                               _("the folder %s has mode %04o, which lets others change what is in"
                                 " it; look there for files that are not Hayauma's, then: chmod"
                                 " %03o %s"),
                               path, (unsigned)(st.st_mode & 07777), (unsigned)folders[i].mode,
                               path);
    }
    return 0;
}

static int check_keys(const char *directory, struct problem *problem) {
    char path[STATE_PATH];
    _cleanup_(close_p) int folder = open(state_path(path, directory, "keys"), FOLDER);
    int copy = folder >= 0 ? fcntl(folder, F_DUPFD_CLOEXEC, 0) : -1;
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    struct stat st;
    int r = 0;
    if (!entries) { /* not made yet, or not for this user's eyes */
        if (copy >= 0)
            (void)close(copy);
        return 0;
    }
    for (struct dirent *e; r == 0 && (e = readdir(entries));) {
        const char *end = strrchr(e->d_name, '.');
        if (!end || strcmp(end, ".key") != 0 ||
            fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (st.st_mode & 077)
            r = problem_set(problem, -EPERM,
                            _("the private key %s/%s has mode %04o; expected no right for group"
                              " and others (chmod 600 %s/%s)"),
                            path, e->d_name, (unsigned)(st.st_mode & 07777), path, e->d_name);
    }
    (void)closedir(entries);
    return r;
}

int state_check_rights(const char *directory, const char *conf_path, struct problem *problem) {
    int r = check_rights(directory, problem);
    if (r == 0)
        r = check_rights(conf_path, problem);
    if (r == 0)
        r = check_folders(directory, problem);
    return r == 0 ? check_keys(directory, problem) : r;
}
