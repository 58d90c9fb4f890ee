/* SPDX-License-Identifier: ISC */
/*
 * A stream: a buffered conversation with one peer over a socket, TLS or memory, for one fiber.
 *
 * - Reading works on a window: stream_fill() makes sure that at least some bytes are there,
 *   stream_window() shows them, stream_consume() drops them. The line and block readers below are
 *   made of these three.
 * - Output is collected and leaves when the next read would have to wait ("flush on read"), when
 *   the output buffer is full, or at stream_flush(): replies to pipelined commands share a packet.
 * - Errors stick: after a failed read every read fails the same way, after a failed write reads and
 *   writes do, and output is dropped. So a session may check the reads only. Time-outs and cancel
 *   of a read lose nothing and do not stick: a session can still say goodbye. A failed write fails
 *   no reads any more after stream_hear_out().
 * - Deadlines: stream_set_timeout() bounds each single wait, stream_set_min_rate() bounds a peer
 *   that drips. fiber deadlines apply as well.
 * - While a stream waits with an empty window it holds no input buffer; an idle connection costs
 *   this struct and nothing else.
 *
 * Errors a caller must expect from everything that waits: -E_EOF (peer closed in order), -EPIPE and
 * -ECONNRESET (peer is gone), -ETIMEDOUT, -ECANCELED, -E_SLOW, -E_TLS.
 */
#pragma once

#include "base/arena.h"
#include "fiber/wait.h"

struct stream;

/*
 * What lies below a stream. `read` and `write` never wait: they move what they can and say -EAGAIN
 * when that is nothing; `read` returns 0 at the end of the peer's bytes. The two waits park the
 * fiber until a further try makes sense.
 */
struct stream_ops {
    ssize_t (*read)(void *below, void *to, size_t size);
    ssize_t (*write)(void *below, const void *bytes, size_t len);
    int (*wait_read)(void *below, usec_t deadline) WAITS;
    int (*wait_write)(void *below, usec_t deadline) WAITS;
    int (*shutdown)(void *below); /* says end to the peer (half close, close_notify); no wait */
    void (*close)(void *below);   /* frees `below` too */
    int (*fd)(void *below);       /* the descriptor behind a plain socket, or -1 */
    int (*detach)(void *below);   /* gives the descriptor up and frees `below`; NULL: cannot */

    /* What the last read (or write) that said -EAGAIN has to wait for; NULL: no descriptor. */
    struct fiber_fd_wish (*watch)(void *below, bool output);
};

/* A stream above anything; owns `below`. */
struct stream *stream_new(const struct stream_ops *ops, void *below);

/* A stream over a connected socket or pipe; takes over `fd` (closed also on failure). */
int stream_from_fd(int fd, struct stream **ret_stream);

/* Two ends of a conversation in memory, for tests and simulation. `capacity` bytes each way. */
void stream_pair(size_t capacity, struct stream *ret_ends[static 2]);

void stream_free(struct stream *s); /* drops what was not flushed; NULL is fine */
DEFINE_CLEANUP(struct stream, stream_free)

/*
 * Moves a stream into room of the caller, such as a page of a fiber's stack that is held anyhow:
 * what it is known by from now on. The room stays until stream_free(), and nobody is waiting for
 * the stream.
 */
struct stream_room {
    _Alignas(8) char bytes[136];
};
struct stream *stream_settle(struct stream *s, struct stream_room *room);

/* ------------------------------------------------------------------ limits */

void stream_set_timeout(struct stream *s, usec_t each_wait); /* USEC_NEVER (default): none */

/* After `grace`, input must have come at this rate since the last call of stream_rate_restart(). */
void stream_set_min_rate(struct stream *s, size_t bytes_per_second, usec_t grace);
void stream_rate_restart(struct stream *s);

/* ------------------------------------------------------------------ reading */

/* Waits until the window has at least `want` bytes (at most STREAM_WINDOW). 0, or negative. */
#define STREAM_WINDOW 65536U
int stream_fill(struct stream *s, size_t want) WAITS;

/* Waits until the window has more bytes than now. */
int stream_fill_more(struct stream *s) WAITS;

/*
 * For who waits for a peer and for something else: as stream_fill(s, 1), but it also ends when
 * another fiber of this thread says stream_nudge(), with -EINTR. One that came before the call
 * counts, several count once.
 */
int stream_fill_or_nudge(struct stream *s) WAITS;
void stream_nudge(struct stream *s);

/* The bytes that were read and not consumed. Valid until the next call that waits or consumes. */
struct slice stream_window(const struct stream *s);
void stream_consume(struct stream *s, size_t len);

/*
 * Reads up to and including LF, at most `max` bytes with it (<= STREAM_WINDOW). The slice includes
 * the line end exactly as sent and is consumed; it is valid until the next read. -E_LIMIT: no LF
 * within `max` bytes; nothing is consumed (see stream_skip_line). Not sticky.
 */
int stream_read_line(struct stream *s, size_t max, struct slice *ret_line) WAITS;

/*
 * Drops bytes up to and including the next LF, but no more than `max`: then -E_LIMIT. `ret_bare`:
 * no CR stood before that LF.
 */
int stream_skip_line(struct stream *s, size_t max, bool *ret_bare) WAITS;

/* Reads exactly `len` bytes. */
int stream_read_exact(struct stream *s, void *to, size_t len) WAITS;

/* Puts bytes in front of the window, as if they had just come. -E_LIMIT beyond STREAM_WINDOW. */
int stream_unread(struct stream *s, struct slice bytes);

/* True when a read would be answered from the window, without waiting. */
bool stream_has_input(const struct stream *s);

/*
 * While passwords may come: input that was consumed is wiped before its buffer serves anybody else.
 * To end it wipes what was consumed until then.
 */
void stream_set_secret(struct stream *s, bool secret);

/* ------------------------------------------------------------------ writing */

void stream_write(struct stream *s, struct slice bytes) WAITS;
void stream_str(struct stream *s, const char *text) WAITS;
void stream_printf(struct stream *s, const char *format, ...) PRINTF_LIKE(2, 3) WAITS;
int stream_flush(struct stream *s) WAITS; /* 0 or the sticky error */

/*
 * Sends part of a file behind what was written. What is in the page cache goes out at once, the
 * rest is read by another thread. -EIO when the file ends too early.
 */
int stream_send_file(struct stream *s, int file, uint64_t offset, uint64_t len) WAITS;

int stream_shutdown(struct stream *s) WAITS; /* flushes, then tells the peer that no more comes */

/*
 * For the last words of a peer that hung up while it was written to: from here on what it has said
 * can be read although a write has failed. Output is still dropped.
 */
void stream_hear_out(struct stream *s);

/* ------------------------------------------------------------------ several streams, one fiber */

/* Reads once without waiting: 0 when the window has bytes, -EAGAIN when none came. */
int stream_try_fill(struct stream *s);

/* Takes as much of the bytes as there is room for, without waiting; how many. */
size_t stream_try_write(struct stream *s, struct slice bytes);

/* Sends what it can without waiting: 0 when nothing is left, -EAGAIN when some is. */
int stream_try_flush(struct stream *s);

/*
 * Waits until one of the streams is worth a try: for input after stream_try_fill() said -EAGAIN,
 * for output after stream_try_flush() did; nothing else may have been done with the stream since.
 * They stand on descriptors. Their time-outs play no part.
 */
struct stream_wish {
    struct stream *stream;
    bool output;
};
#define STREAM_WISHES_MAX 4U
int stream_wait_any(const struct stream_wish *wishes, size_t count, usec_t deadline) WAITS;

/*
 * Carries bytes between a peer outside and a process inside until the inner side ends: the outer
 * one gets what was said and its end. When the outer side ends the inner one is told and has the
 * last word. The inner side watches the clock; an outer one that takes nothing is given up after
 * its own time-out. 0, or negative when the outer side was lost. Both stand on descriptors. Where
 * `stays` is not NULL and points to true by then, the outer side is not told of the end of the
 * inner one: it goes on with somebody else.
 */
int stream_carry(struct stream *outer, struct stream *inner, const bool *stays) WAITS;

/* ------------------------------------------------------------------ state */

int stream_error(const struct stream *s); /* the sticky error, or 0 */

struct stream_counts {
    uint64_t in, out; /* bytes of the conversation, TLS apart */
};
struct stream_counts stream_counts(const struct stream *s);

/* When the peer said something last; at first, when the stream was made. As fiber_now(). */
usec_t stream_heard(const struct stream *s);

/* Bytes of the buffers that all streams of this thread hold now. */
size_t stream_memory(void);

/*
 * Takes the descriptor out of a plain socket stream for another process: the stream is freed, its
 * unread input is copied into `a`. -EINVAL (and nothing happens) when there is no descriptor.
 */
int stream_detach(struct stream *s, struct arena *a, int *ret_fd, struct slice *ret_unread);

/* Drops what was read and not consumed: plaintext behind STARTTLS is an attack (RFC 3207 §4.2). */
size_t stream_drop_input(struct stream *s);

/* For a layer such as TLS: what lies below now, and putting something else there. */
void stream_below(const struct stream *s, const struct stream_ops **ret_ops, void **ret_below);
void stream_replace(struct stream *s, const struct stream_ops *ops, void *below);
