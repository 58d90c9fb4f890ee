/* SPDX-License-Identifier: ISC */
#include "proc/confine.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/words.h"
#include "proc/landlock.h"
#include "proc/seccomp.h"

static int change_user(uid_t uid, gid_t gid) {
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return setuid(0) == 0 ? -EPERM : 0; /* there must be no way back */
}

int confine_process(const struct confine *c, char summary[static CONFINE_SUMMARY],
                    struct problem *problem) {
    bool filtered = false;
    int abi = 0;
    tzset(); /* reads /etc/localtime while it is in reach */
    if (chdir(c->directory) < 0 || (c->change_user && (chroot(".") < 0 || chdir("/") < 0)))
        return problem_set(problem, -errno, "directory %s cannot be entered: %s", c->directory,
                           error_text(errno));
    int r = c->change_user ? change_user(c->uid, c->gid) : 0;
    if (r < 0)
        return problem_set(problem, r, "the process cannot become user %u: %s", (unsigned)c->uid,
                           error_text(r));
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0)
        return problem_set(problem, -errno, "the process's memory cannot be protected: %s",
                           error_text(errno));
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) /* after the change of user, which ends it */
        return problem_set(problem, -errno, "the process cannot be tied to its master: %s",
                           error_text(errno));
    r = landlock_install(c->rights, &abi, problem);
    if (r == 0)
        r = seccomp_install(c->rights, &filtered, problem);
    if (r < 0)
        return r;
    char landlock[32];
    (void)snprintf(landlock, sizeof landlock, abi > 0 ? "Landlock %d" : N_("no Landlock"), abi);
    (void)snprintf(summary, CONFINE_SUMMARY, "%s%s%s%s%s, %s", c->change_user ? N_("own user") : "",
                   c->change_user ? ", " : "",
                   !c->change_user             ? ""
                   : c->rights & CONFINE_FILES ? N_("own root")
                                               : N_("empty root"),
                   c->change_user ? ", " : "", landlock,
                   filtered ? "seccomp" : N_("no seccomp (sanitizer build)"));
    return 0;
}
