/* SPDX-License-Identifier: ISC */
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proc/process.h"

#define CONTROL_FD 3
#define LOCK_FD    4

/*
 * What a child keeps of the environment: the time zone, the stream that stderr may be (notice.h),
 * and the checking tools' settings.
 */
static const char *const kept[] = {
    "TZ", "JOURNAL_STREAM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"};

struct arguments {
    char title[32], worker[8], uid[16], gid[16];
    char environment[ARRAY_SIZE(kept)][256];
    char *environ[ARRAY_SIZE(kept) + 1];
    char *argv[8];
};

static void fill_arguments(struct arguments *a, const struct spawn *s) {
    const char *role = role_name(s->role);
    size_t n = 0;
    (void)snprintf(a->title, sizeof a->title, "hayauma-%s", role);
    (void)snprintf(a->worker, sizeof a->worker, "%u", s->worker);
    (void)snprintf(a->uid, sizeof a->uid, s->change_user ? "%u" : "-1", (unsigned)s->uid);
    (void)snprintf(a->gid, sizeof a->gid, s->change_user ? "%u" : "-1", (unsigned)s->gid);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        const char *value = getenv(kept[i]);
        if (!value)
            continue;
        (void)snprintf(a->environment[n], sizeof a->environment[n], "%s=%s", kept[i], value);
        a->environ[n] = a->environment[n];
        n++;
    }
    a->environ[n] = NULL;
    char *argv[] = {a->title,
                    (char *)(uintptr_t)PROCESS_OPTION,
                    (char *)(uintptr_t)role,
                    a->worker,
                    (char *)(uintptr_t)s->directory,
                    a->uid,
                    a->gid,
                    NULL};
    memcpy(a->argv, argv, sizeof argv);
}

/* In the child between fork and exec: only calls that are safe there. */
NORETURN static void become(struct arguments *a, int control, int lock) {
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
    }
    if (lock >= 0) /* out of the way of the next line */
        lock = fcntl(lock, F_DUPFD, LOCK_FD + 1);
    if (control == CONTROL_FD)
        (void)fcntl(control, F_SETFD, 0);
    else
        (void)dup2(control, CONTROL_FD);
    if (lock >= 0)
        (void)dup2(lock, LOCK_FD);
    (void)close_range(lock >= 0 ? LOCK_FD + 1 : LOCK_FD, ~0U, 0);
    (void)execve("/proc/self/exe", a->argv, a->environ);
    _exit(127);
}

int spawn_process(const struct spawn *s, pid_t *ret_pid, int *ret_control,
                  struct problem *problem) {
    struct arguments arguments;
    int ends[2];
    fill_arguments(&arguments, s);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return problem_set(problem, -errno, "no socket for the %s process: %s", role_name(s->role),
                           error_text(errno));
    pid_t pid = fork();
    if (pid == 0)
        become(&arguments, ends[1], s->lock);
    int error = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return problem_set(problem, -error, "the %s process cannot be started: %s",
                           role_name(s->role), error_text(error));
    }
    *ret_pid = pid;
    *ret_control = ends[0];
    return 0;
}

static bool may_call(enum role caller, enum role callee) {
    const struct rpc_service *s = rpc_services[callee];
    for (size_t i = 0; s && i < s->count; i++) {
        if (s->calls[i].from & ROLE_BIT(caller))
            return true;
    }
    return false;
}

bool spawn_are_peers(enum role a, enum role b) {
    return may_call(a, b) || may_call(b, a);
}
