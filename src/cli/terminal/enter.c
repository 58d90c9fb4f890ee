/* SPDX-License-Identifier: ISC */
#include "cli/terminal/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

/* A root without the capability (in some containers) has to do without. */
static int change_root(struct entered *e) {
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    tzset(); /* reads its files now */
    if (chroot(".") == 0) {
        e->root = root;
        return 0;
    }
    int r = errno == EPERM ? 0 : -errno;
    (void)close(root);
    return r;
}

int enter_folder(const struct cli *c, const char *name, const struct state_user *owner,
                 struct entered *ret, struct problem *problem) {
    char path[STATE_PATH];
    struct entered e = ENTERED_NONE;
    (void)state_path(path, c->directory, name);
    int r = chdir(path) < 0 ? -errno : 0;
    if (r == 0 && c->users.change)
        r = change_root(&e);
    if (r == 0 && c->users.change) {
        e.changed = setegid(owner->gid) == 0;
        r = e.changed && seteuid(owner->uid) == 0 ? 0 : -errno;
    }
    if (r < 0) {
        leave_folder(&e);
        return problem_set(problem, r, _("the folder %s cannot be used: %s"), path, error_words(r));
    }
    *ret = e;
    return 0;
}

void leave_folder(struct entered *e) {
    if (e->changed && (seteuid(0) < 0 || setegid(0) < 0))
        panic("cannot become root again");
    if (e->root >= 0 && (fchdir(e->root) < 0 || chroot(".") < 0))
        panic("cannot leave a folder again");
    if (e->root >= 0)
        (void)close(e->root);
    *e = ENTERED_NONE;
}
