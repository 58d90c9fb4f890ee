/* SPDX-License-Identifier: ISC */
/*
 * Waiting for the world: descriptors, child processes, signals, and work in other threads.
 */
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include "fiber/fiber.h"

/*
 * A non-blocking descriptor watched by the scheduler (edge-triggered, registered once). One fiber
 * may wait to read and one to write at a time. The descriptor stays the caller's: call
 * fiber_fd_done() before closing it or passing it to another process.
 */
struct fiber_fd {
    int fd;
    bool readable, writable; /* worth a try; cleared by whoever met EAGAIN or a short read */
    bool hung_up;            /* the peer's end or an error: stays readable and writable */
    struct fiber *reader, *writer;
};

int fiber_fd_init(struct fiber_fd *f, int fd); /* sets O_NONBLOCK; 0 or negative errno */
void fiber_fd_done(struct fiber_fd *f);        /* no more watched; waiting fibers get -ECANCELED */

/*
 * Parks until the descriptor is worth a try; at once while the flag is set. `deadline` is monotonic
 * or USEC_NEVER. Use the calls below unless the transfer is of another kind (accept, recvmsg).
 */
int fiber_fd_wait_readable(struct fiber_fd *f, usec_t deadline) WAITS;
int fiber_fd_wait_writable(struct fiber_fd *f, usec_t deadline) WAITS;

/* To be called after EAGAIN, or after a transfer that shows the socket buffer empty / full. */
static inline void fiber_fd_drained(struct fiber_fd *f) {
    f->readable = f->hung_up;
}
static inline void fiber_fd_full(struct fiber_fd *f) {
    f->writable = f->hung_up;
}

/* The same for several at once, each for input or output: 0 as soon as one is worth a try. */
struct fiber_fd_wish {
    struct fiber_fd *fd;
    bool output;
};
int fiber_fd_wait_any(const struct fiber_fd_wish *wishes, size_t count, usec_t deadline) WAITS;

/* read(2) and writev(2) that wait: bytes moved (0: end of file for reads), or negative errno. */
ssize_t fiber_fd_read(struct fiber_fd *f, void *to, size_t size, usec_t deadline) WAITS;
ssize_t fiber_fd_writev(struct fiber_fd *f, const struct iovec *parts, int count,
                        usec_t deadline) WAITS;

/* Waits until the child process has ended; its wait status. Uses a pidfd. */
int fiber_wait_child(pid_t pid, int *ret_status) WAITS;

/*
 * Waits for the next signal of the set, which must be blocked in all threads; its number is the
 * result. `fd` comes from fiber_signals_open().
 */
int fiber_signals_open(const int *signals, size_t count, struct fiber_fd *ret_fd);
int fiber_signals_next(struct fiber_fd *fd) WAITS;

/*
 * Classes of work for other threads: each has its own threads, so that slow work of one kind does
 * not hold up another. Threads start when they are needed and end after some seconds without work.
 */
enum offload_class {
    OFFLOAD_DISK,  /* files and SQLite */
    OFFLOAD_SYNC,  /* fsync and fdatasync */
    OFFLOAD_KDF,   /* password hashing: heavy in CPU and memory */
    OFFLOAD_SCAN,  /* looking through what has been read, for those who search and sort */
    OFFLOAD_LATER, /* what nobody waits for: half a second of it keeps nobody else's work back, and
                      where processors are short it has a tenth of what others have */
    OFFLOAD_CLASSES,
};

/* How many threads a class may have; before its first use. Defaults: disk 8, sync 8, kdf 2, scan 2,
 * later 1. */
void offload_limit(enum offload_class class, unsigned threads);

/*
 * Runs `fn(arg)` in a thread of the class and waits for its end. Not cut short by cancel or
 * deadlines, since `arg` usually lives on the caller's stack. `fn` must not use fibers; it and the
 * caller never run at the same time. Returns what `fn` returned. Under simulated time `fn` runs at
 * once in the calling thread.
 */
int offload(enum offload_class class, int (*fn)(void *arg), void *arg) WAITS;
