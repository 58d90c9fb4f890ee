/* SPDX-License-Identifier: ISC */
/*
 * Two streams connected through memory. Each direction is a bounded pipe that lives until both ends
 * have let go of it.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "fiber/sync.h"
#include "io/stream.h"

struct pipe {
    struct buf bytes;
    size_t capacity;
    bool writer_gone, reader_gone;
    unsigned holders; /* ends that have not been closed */
    struct fiber_cond readable, writable;
};

struct end {
    struct pipe *in, *out;
};

static struct pipe *pipe_new(size_t capacity) {
    struct pipe *p = NEW(struct pipe);
    p->capacity = capacity;
    p->holders = 2;
    fiber_cond_init(&p->readable);
    fiber_cond_init(&p->writable);
    return p;
}

static void pipe_release(struct pipe *p) {
    if (--p->holders > 0)
        return;
    buf_done(&p->bytes);
    free(p);
}

static ssize_t end_read(void *below, void *to, size_t size) {
    struct pipe *p = ((struct end *)below)->in;
    size_t n = MIN(size, p->bytes.len);
    if (n == 0)
        return p->writer_gone ? 0 : -EAGAIN;
    memcpy(to, p->bytes.ptr, n);
    buf_drop(&p->bytes, n);
    fiber_cond_wake_all(&p->writable);
    return (ssize_t)n;
}

static ssize_t end_write(void *below, const void *bytes, size_t len) {
    struct pipe *p = ((struct end *)below)->out;
    if (p->reader_gone || p->writer_gone)
        return -EPIPE;
    size_t n = MIN(len, p->capacity - p->bytes.len);
    if (n == 0)
        return -EAGAIN;
    buf_add_bytes(&p->bytes, bytes, n);
    fiber_cond_wake_all(&p->readable);
    return (ssize_t)n;
}

static int end_wait_read(void *below, usec_t deadline) WAITS {
    struct pipe *p = ((struct end *)below)->in;
    return p->bytes.len > 0 || p->writer_gone ? 0 : fiber_cond_wait_until(&p->readable, deadline);
}

static int end_wait_write(void *below, usec_t deadline) WAITS {
    struct pipe *p = ((struct end *)below)->out;
    return p->bytes.len < p->capacity || p->reader_gone
               ? 0
               : fiber_cond_wait_until(&p->writable, deadline);
}

static int end_shutdown(void *below) {
    struct pipe *p = ((struct end *)below)->out;
    p->writer_gone = true;
    fiber_cond_wake_all(&p->readable);
    return 0;
}

static void end_close(void *below) {
    struct end *e = below;
    (void)end_shutdown(e);
    e->in->reader_gone = true;
    fiber_cond_wake_all(&e->in->writable);
    pipe_release(e->in);
    pipe_release(e->out);
    free(e);
}

static int end_fd(void *below) {
    (void)below;
    return -1;
}

static const struct stream_ops end_ops = {
    .read = end_read,
    .write = end_write,
    .wait_read = end_wait_read,
    .wait_write = end_wait_write,
    .shutdown = end_shutdown,
    .close = end_close,
    .fd = end_fd,
};

void stream_pair(size_t capacity, struct stream *ret_ends[static 2]) {
    struct pipe *there = pipe_new(capacity);
    struct pipe *back = pipe_new(capacity);
    for (int i = 0; i < 2; i++) {
        struct end *e = NEW(struct end);
        e->in = i == 0 ? back : there;
        e->out = i == 0 ? there : back;
        ret_ends[i] = stream_new(&end_ops, e);
    }
}
