/* SPDX-License-Identifier: ISC */
/*
 * Descriptors under edge-triggered epoll, registered once for both directions. A transfer that
 * moved fewer bytes than asked has emptied (filled) the socket's buffer: what comes later raises a
 * new edge, so the flag is cleared and the next call parks without trying in vain. A hang-up is
 * remembered, since its edge may have come together with the last bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fiber/scheduler.h"

#define LOOK_AGAIN (20 * USEC_MS)

int fiber_fd_init(struct fiber_fd *f, int fd) {
    *f = (struct fiber_fd){.fd = fd, .readable = true, .writable = true};
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        return -errno;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = f};
    if (epoll_ctl(fiber_scheduler->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    return 0;
}

void fiber_fd_done(struct fiber_fd *f) {
    if (f->fd < 0)
        return;
    (void)epoll_ctl(fiber_scheduler->epoll, EPOLL_CTL_DEL, f->fd, NULL);
    if (f->reader)
        scheduler_wake(f->reader, -ECANCELED);
    if (f->writer)
        scheduler_wake(f->writer, -ECANCELED);
    f->fd = -1;
}

int fiber_fd_wait_readable(struct fiber_fd *f, usec_t deadline) {
    if (f->readable)
        return fiber_cancelled() ? -ECANCELED : 0;
    MUST(!f->reader);
    f->reader = fiber_self();
    int r = scheduler_park("input", NULL, deadline);
    f->reader = NULL;
    return r;
}

int fiber_fd_wait_writable(struct fiber_fd *f, usec_t deadline) {
    if (f->writable)
        return fiber_cancelled() ? -ECANCELED : 0;
    MUST(!f->writer);
    f->writer = fiber_self();
    int r = scheduler_park("room for output", NULL, deadline);
    f->writer = NULL;
    return r;
}

static struct fiber **waiter_of(const struct fiber_fd_wish *w) {
    return w->output ? &w->fd->writer : &w->fd->reader;
}

int fiber_fd_wait_any(const struct fiber_fd_wish *wishes, size_t count, usec_t deadline) {
    for (size_t i = 0; i < count; i++) {
        const struct fiber_fd *fd = wishes[i].fd;
        if (wishes[i].output ? fd->writable : fd->readable)
            return fiber_cancelled() ? -ECANCELED : 0;
    }
    for (size_t i = 0; i < count; i++) {
        MUST(!*waiter_of(&wishes[i]));
        *waiter_of(&wishes[i]) = fiber_self();
    }
    int r = scheduler_park("several descriptors", NULL, deadline);
    for (size_t i = 0; i < count; i++)
        *waiter_of(&wishes[i]) = NULL;
    return r;
}

ssize_t fiber_fd_read(struct fiber_fd *f, void *to, size_t size, usec_t deadline) {
    for (;;) {
        int r = fiber_fd_wait_readable(f, deadline);
        if (r < 0)
            return r;
        ssize_t n = read(f->fd, to, size);
        if (n < (ssize_t)size && (n > 0 || (n < 0 && errno == EAGAIN)))
            fiber_fd_drained(f);
        if (n >= 0)
            return n;
        if (errno == EAGAIN && f->hung_up) /* a hang-up of the other direction only */
            f->hung_up = f->readable = false;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
}

ssize_t fiber_fd_writev(struct fiber_fd *f, const struct iovec *parts, int count, usec_t deadline) {
    for (;;) {
        int r = fiber_fd_wait_writable(f, deadline);
        if (r < 0)
            return r;
        ssize_t n = writev(f->fd, parts, count);
        if (n >= 0)
            return n;
        if (errno == EAGAIN)
            f->writable = false; /* room again raises a new edge, hang-up or not */
        else if (errno != EINTR)
            return -errno;
    }
}

/* ------------------------------------------------------------------ children and signals */

/* Where there are no pidfds (valgrind's kernel has none) it stays as it is, and a child is looked
 * at now and then. */
static int open_pidfd(pid_t pid, struct fiber_fd *ret) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return errno == ENOSYS ? 0 : -errno;
    int r = fiber_fd_init(ret, fd);
    if (r < 0)
        (void)close(fd);
    return r;
}

int fiber_wait_child(pid_t pid, int *ret_status) {
    struct fiber_fd pidfd = {.fd = -1};
    int r = open_pidfd(pid, &pidfd);
    if (r < 0)
        return r;
    int status = 0;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    while (ended == 0 && r == 0) {
        pidfd.readable = false; /* it is once the process has ended */
        r = pidfd.fd < 0 ? fiber_sleep(LOOK_AGAIN) : fiber_fd_wait_readable(&pidfd, USEC_NEVER);
        if (r == 0)
            ended = waitpid(pid, &status, WNOHANG);
    }
    if (pidfd.fd >= 0) {
        fiber_fd_done(&pidfd);
        (void)close(pidfd.fd);
    }
    if (ended < 0)
        return -ECHILD;
    if (r == 0)
        *ret_status = status;
    return r;
}

int fiber_signals_open(const int *signals, size_t count, struct fiber_fd *ret_fd) {
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        (void)sigaddset(&set, signals[i]);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fiber_fd_init(ret_fd, fd);
}

int fiber_signals_next(struct fiber_fd *fd) {
    struct signalfd_siginfo info;
    ssize_t n = fiber_fd_read(fd, &info, sizeof info, USEC_NEVER);
    if (n < 0)
        return (int)n;
    return n == sizeof info ? (int)info.ssi_signo : -EIO;
}
