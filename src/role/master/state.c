/* SPDX-License-Identifier: ISC */
#include "role/master/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/words.h"
#include "rpc/calls.h"

/* Numbers that distributions leave alone; used until `make install` has made the users. */
#define STAND_IN_UID 61840U

const char *state_path(char path[static STATE_PATH], const char *directory, const char *name) {
    (void)snprintf(path, STATE_PATH, "%s/%s", directory, name);
    return path;
}

/* ------------------------------------------------------------------ users */

static void find_user(struct slice name, unsigned stand_in, struct state_users *users,
                      struct state_user *ret) {
    char text[64];
    bool fits = slice_to_str(name, text, sizeof text) == 0;
    const struct passwd *pw = fits ? getpwnam(text) : NULL;
    if (pw) {
        *ret = (struct state_user){.uid = pw->pw_uid, .gid = pw->pw_gid};
        (void)snprintf(ret->name, sizeof ret->name, "%s", text);
        return;
    }
    users->made_up = true;
    *ret = (struct state_user){.uid = STAND_IN_UID + stand_in, .gid = STAND_IN_UID + stand_in};
    (void)snprintf(ret->name, sizeof ret->name, "uid %u", STAND_IN_UID + stand_in);
}

void state_find_users(const struct conf *conf, struct state_users *ret) {
    *ret = (struct state_users){.change = geteuid() == 0};
    if (ret->change) {
        find_user(conf->users.edge, 0, ret, &ret->edge);
        find_user(conf->users.vault, 1, ret, &ret->vault);
        find_user(conf->users.mail, 2, ret, &ret->mail);
        return;
    }
    const struct passwd *pw = getpwuid(geteuid());
    struct state_user self = {.uid = geteuid(), .gid = getegid()};
    (void)snprintf(self.name, sizeof self.name, "%s", pw ? pw->pw_name : "?");
    ret->edge = ret->vault = ret->mail = self;
}

static void find_owner(const char *directory, const char *name, struct state_user *ret) {
    char path[STATE_PATH];
    struct stat st;
    if (lstat(state_path(path, directory, name), &st) == 0)
        *ret = (struct state_user){.uid = st.st_uid, .gid = st.st_gid};
    (void)snprintf(ret->name, sizeof ret->name, "uid %u", (unsigned)ret->uid);
}

void state_find_owners(const char *directory, struct state_users *ret) {
    *ret = (struct state_users){.change = geteuid() == 0};
    find_owner(directory, "directory", &ret->vault);
    find_owner(directory, "accounts", &ret->mail);
}

/* ------------------------------------------------------------------ the lock */

int state_lock(const char *directory, int *ret_fd, struct problem *problem) {
    char path[STATE_PATH];
    _cleanup_(close_p) int fd = open(state_path(path, directory, "run/lock"),
                                     O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return problem_set(problem, -errno, N_("%s cannot be opened: %s"), path, error_text(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return problem_set(problem, -E_BUSY, N_("the server in %s is running already"),
                               directory);
        return problem_set(problem, -errno, N_("%s cannot be locked: %s"), path, error_text(errno));
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* ------------------------------------------------------------------ files of other owners */

#define FOREIGN_FILE_MAX 16384

static bool read_foreign(const char *path, struct arena *a, struct slice *ret) {
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(a, FOREIGN_FILE_MAX);
    ssize_t n = fd >= 0 ? read(fd, text, FOREIGN_FILE_MAX) : -1;
    if (n <= 0)
        return false;
    *ret = slice_of(text, (size_t)n);
    return true;
}

size_t state_resolver_files(const struct conf *conf, struct arena *a, struct rpc_field *ret) {
    size_t count = 0;
    ret[count].name = S("resolv.conf");
    if (read_foreign("/etc/resolv.conf", a, &ret[count].value))
        count++;
    ret[count].name = S("trust-anchor");
    if (conf->dns.dnssec && conf->dns.trust_anchor.len > 0 &&
        read_foreign(arena_str(a, conf->dns.trust_anchor), a, &ret[count].value))
        count++;
    return count;
}
