/* SPDX-License-Identifier: ISC */
/*
 * An allow list. What is not on it is not executed: the process gets SIGSYS, whose handler names
 * the call on stderr and ends the process, so that a forgotten call is found by its name. A role
 * without files gets -EACCES from open calls instead, since libraries try some and do without.
 */
#include "proc/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "fiber/sanitize.h"

static const int for_all[] = {
    /* descriptors that are there */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(sendfile),
    SCMP_SYS(dup),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    /* sockets that are there */
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    /* waiting */
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(futex),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(getrusage),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(pipe2),
    /* threads, memory */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(membarrier),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(sysinfo),
    /* signals, identity */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getppid),
    SCMP_SYS(uname),
};

static const int open_calls[] = {
    SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(openat2),  SCMP_SYS(stat),
    SCMP_SYS(lstat),      SCMP_SYS(statx),  SCMP_SYS(access),   SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
};

static const int for_files[] = {
    SCMP_SYS(unlink),    SCMP_SYS(unlinkat),   SCMP_SYS(rename),    SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(mkdir),      SCMP_SYS(mkdirat),   SCMP_SYS(rmdir),
    SCMP_SYS(link),      SCMP_SYS(linkat),     SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64), SCMP_SYS(getdents64), SCMP_SYS(statfs),    SCMP_SYS(fstatfs),
    SCMP_SYS(flock),     SCMP_SYS(fchmod),     SCMP_SYS(umask),     SCMP_SYS(sync_file_range),
};

static int allow(scmp_filter_ctx f, const int *calls, size_t count, uint32_t action) {
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(f, action, calls[i], 0);
        if (r < 0 && r != -EDOM) /* a call that this machine does not have */
            return r;
    }
    return 0;
}

/* The kernel looks at the lower half of an argument that is an int, and so do these. */
#define INT_MASK           UINT64_C(0xffffffff)
#define INT_IS(n, value)   SCMP_A##n(SCMP_CMP_MASKED_EQ, INT_MASK, (scmp_datum_t)(value))
#define INT_HAS(n, bits)   SCMP_A##n(SCMP_CMP_MASKED_EQ, (scmp_datum_t)(bits), (scmp_datum_t)(bits))
#define INT_LACKS(n, bits) SCMP_A##n(SCMP_CMP_MASKED_EQ, (scmp_datum_t)(bits), 0)

/* What is harmless as long as its arguments are these. */
static int allow_limited(scmp_filter_ctx f) {
    static const scmp_datum_t exec = PROT_EXEC;
    const struct {
        int call;
        struct scmp_arg_cmp only;
    } calls[] = {
        /* memory that is writable is never executable */
        {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0)},
        {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0)},
        /* calls that can be turned on another process of the same user: for ourselves, pid 0 */
        {SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0)},
        {SCMP_SYS(sched_setaffinity), SCMP_A0(SCMP_CMP_EQ, 0)},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls); i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i].call, 1, calls[i].only);
    return r;
}

/* Threads, not processes; glibc falls back from clone3, whose flags a filter cannot see. */
static int allow_threads(scmp_filter_ctx f) {
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (r == 0) /* nice(): of the calling thread alone */
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(getpriority), 0);
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setpriority), 2, INT_IS(0, PRIO_PROCESS),
                             INT_IS(1, 0));
    if (r == 0) /* abort() and raise() */
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return r;
}

/* Not those that have a signal sent to another process (F_SETOWN), or that name it (F_SETSIG). */
static int allow_fcntl(scmp_filter_ctx f, unsigned rights) {
    static const int plain[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};
    static const int of_files[] = {F_GETLK, F_SETLK, F_SETLKW, F_SETLEASE};
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(plain); i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, INT_IS(1, plain[i]));
    for (size_t i = 0; r == 0 && rights & CONFINE_FILES && i < ARRAY_SIZE(of_files); i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, INT_IS(1, of_files[i]));
    if (r < 0)
        return r;
    return rights & CONFINE_CONNECT
               ? seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, INT_IS(1, F_SETFL))
               : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2, INT_IS(1, F_SETFL),
                                  INT_HAS(2, O_NONBLOCK));
}

/* Of Internet sockets TCP and UDP, and nothing that the kernel would load a module for. */
static int allow_connecting(scmp_filter_ctx f) {
    static const int calls[] = {SCMP_SYS(connect), SCMP_SYS(bind),    SCMP_SYS(setsockopt),
                                SCMP_SYS(sendto),  SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg)};
    static const int families[] = {AF_INET, AF_INET6};
    static const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP};
    int r = allow(f, calls, ARRAY_SIZE(calls), SCMP_ACT_ALLOW);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families) * ARRAY_SIZE(protocols); i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                             INT_IS(0, families[i % ARRAY_SIZE(families)]),
                             INT_IS(2, protocols[i / ARRAY_SIZE(families)]));
    return r;
}

/*
 * Pairs of its own, and what a process may do with the sockets that it has been given. A listening
 * socket belongs to others too: who makes no connections can neither make it block nor change its
 * options. Nor can it connect with it, which a socket that was shut down does when something is
 * sent by MSG_FASTOPEN.
 */
static int allow_sockets(scmp_filter_ctx f, unsigned rights) {
    const scmp_datum_t type = 0xf; /* without the flags */
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2, INT_IS(0, AF_UNIX),
                             SCMP_A1(SCMP_CMP_MASKED_EQ, type, SOCK_STREAM));
    if (r == 0 && (rights & CONFINE_CONNECT))
        return allow_connecting(f);
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, INT_LACKS(3, MSG_FASTOPEN));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, INT_LACKS(2, MSG_FASTOPEN));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 1, INT_LACKS(3, MSG_FASTOPEN));
    return r;
}

static int fill(scmp_filter_ctx f, unsigned rights) {
    bool files = rights & CONFINE_FILES;
    int r = allow(f, for_all, ARRAY_SIZE(for_all), SCMP_ACT_ALLOW);
    if (r == 0)
        r = allow(f, open_calls, ARRAY_SIZE(open_calls),
                  files ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES));
    if (r == 0 && files)
        r = allow(f, for_files, ARRAY_SIZE(for_files), SCMP_ACT_ALLOW);
    if (r == 0 && files)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 0);
    if (r == 0 && !files) /* fstat() of glibc is newfstatat with an empty path: harmless */
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, INT_HAS(3, AT_EMPTY_PATH));
    if (r == 0)
        r = allow_limited(f);
    if (r == 0)
        r = allow_threads(f);
    if (r == 0)
        r = allow_fcntl(f, rights);
    if (r == 0)
        r = allow_sockets(f, rights);
    return r;
}

static void report_call(int signal, siginfo_t *info, void *context) {
    char text[128];
    (void)signal;
    (void)context;
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
    (void)snprintf(text, sizeof text, "hayauma: the system call %s (%d) is not allowed here\n",
                   name ? name : "?", info->si_syscall);
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(128 + SIGSYS);
}

int seccomp_install(unsigned rights, bool *ret_active, struct problem *problem) {
    *ret_active = false;
    if (FIBER_ASAN || FIBER_TSAN)
        return 0;
    struct sigaction action = {.sa_sigaction = report_call, .sa_flags = SA_SIGINFO};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
    if (!f || sigaction(SIGSYS, &action, NULL) < 0)
        return problem_set(problem, -ENOMEM, "the system call filter cannot be made");
    int r = fill(f, rights);
    if (r == 0)
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = seccomp_load(f);
    seccomp_release(f);
    if (r < 0)
        return problem_set(problem, r, "the system call filter cannot be installed: %s",
                           error_text(r));
    *ret_active = true;
    return 0;
}
