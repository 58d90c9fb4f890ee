/* SPDX-License-Identifier: ISC */
/*
 * Streams over sockets and pipes.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "io/stream.h"

struct fd_stream {
    struct fiber_fd fd;
};

static ssize_t fd_read(void *below, void *to, size_t size) {
    struct fd_stream *f = below;
    if (!f->fd.readable)
        return -EAGAIN;
    ssize_t n = read(f->fd.fd, to, size);
    if (n < 0 && errno == EINTR)
        return fd_read(below, to, size);
    if (n < 0 && errno != EAGAIN)
        return -errno;
    if (n < 0)
        f->fd.readable = false;
    else if (n > 0 && (size_t)n < size)
        fiber_fd_drained(&f->fd);
    return n < 0 ? -EAGAIN : n;
}

static ssize_t fd_write(void *below, const void *bytes, size_t len) {
    struct fd_stream *f = below;
    ssize_t n = send(f->fd.fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK)
        n = write(f->fd.fd, bytes, len);
    if (n >= 0)
        return n;
    if (errno == EINTR)
        return fd_write(below, bytes, len);
    if (errno != EAGAIN)
        return -errno;
    f->fd.writable = false; /* room again raises a new edge */
    return -EAGAIN;
}

static int fd_wait_read(void *below, usec_t deadline) WAITS {
    struct fd_stream *f = below;
    return fiber_fd_wait_readable(&f->fd, deadline);
}

static int fd_wait_write(void *below, usec_t deadline) WAITS {
    struct fd_stream *f = below;
    return fiber_fd_wait_writable(&f->fd, deadline);
}

static int fd_shutdown(void *below) {
    struct fd_stream *f = below;
    return shutdown(f->fd.fd, SHUT_WR) < 0 ? -errno : 0;
}

static int fd_detach(void *below) {
    struct fd_stream *f = below;
    int fd = f->fd.fd;
    fiber_fd_done(&f->fd);
    free(f);
    return fd;
}

static void fd_close(void *below) {
    int fd = fd_detach(below);
    (void)close(fd);
}

static int fd_number(void *below) {
    struct fd_stream *f = below;
    return f->fd.fd;
}

static struct fiber_fd_wish fd_watch(void *below, bool output) {
    struct fd_stream *f = below;
    return (struct fiber_fd_wish){&f->fd, output};
}

static const struct stream_ops fd_ops = {
    .read = fd_read,
    .write = fd_write,
    .wait_read = fd_wait_read,
    .wait_write = fd_wait_write,
    .shutdown = fd_shutdown,
    .close = fd_close,
    .fd = fd_number,
    .detach = fd_detach,
    .watch = fd_watch,
};

int stream_from_fd(int fd, struct stream **ret_stream) {
    struct fd_stream *f = NEW(struct fd_stream);
    int r = fiber_fd_init(&f->fd, fd);
    if (r < 0) {
        (void)close(fd);
        free(f);
        return r;
    }
    *ret_stream = stream_new(&fd_ops, f);
    return 0;
}
