/* SPDX-License-Identifier: ISC */
/*
 * The buffers of a stream come from a small pool and go back to it whenever they are empty and the
 * fiber is about to wait: thousands of idle connections share a handful of buffers.
 */
#include "io/stream.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "io/file.h"

#define BUFFER_SIZE 16384U
#define POOL_SIZE   64U
#define TURN_BYTES  (256U * 1024) /* moved without a wait; then the other fibers get their turn */

struct stream {
    const struct stream_ops *ops;
    void *below;
    int read_error, write_error;
    char *in; /* NULL while empty */
    uint32_t in_size, in_from, in_to;
    char *out; /* NULL while empty */
    uint32_t out_len;
    uint32_t min_rate;    /* bytes per second; 0: none */
    uint32_t turn;        /* bytes moved since the last wait */
    bool hears_out;       /* reads go on after a failed write */
    bool secret;          /* input is wiped when it was consumed */
    bool nudged;          /* and nobody has been told */
    bool settled;         /* it lies in somebody's room */
    struct fiber *waiter; /* for input or a nudge */
    usec_t timeout, rate_grace, rate_began;
    uint64_t rate_bytes;
    struct stream_counts counts;
    usec_t heard;
};
_Static_assert(sizeof(struct stream) <= sizeof(struct stream_room), "there is room for a stream");

/* ------------------------------------------------------------------ buffers */

static _Thread_local struct {
    char *free[POOL_SIZE];
    unsigned count;
    size_t held; /* bytes of the buffers that streams have now */
} pool;

size_t stream_memory(void) {
    return pool.held;
}

static char *buffer_get(void) {
    pool.held += BUFFER_SIZE;
    return pool.count > 0 ? pool.free[--pool.count] : mem_alloc(BUFFER_SIZE);
}

static void buffer_put(char *buffer) {
    pool.held -= BUFFER_SIZE;
    if (pool.count < POOL_SIZE)
        pool.free[pool.count++] = buffer;
    else
        free(buffer);
}

static void drop_in_buffer(struct stream *s) {
    if (s->secret)
        mem_wipe(s->in, s->in_size);
    if (s->in_size == BUFFER_SIZE) {
        buffer_put(s->in);
    } else {
        pool.held -= STREAM_WINDOW;
        free(s->in);
    }
    s->in = NULL;
    s->in_size = s->in_from = s->in_to = 0;
}

/* Makes room behind the window so that it can grow to `want` bytes. */
static void make_room(struct stream *s, size_t want) {
    uint32_t len = s->in_to - s->in_from;
    if (!s->in && want <= BUFFER_SIZE) {
        s->in = buffer_get();
        s->in_size = BUFFER_SIZE;
        return;
    }
    if (want > s->in_size) {
        char *bigger = mem_alloc(STREAM_WINDOW);
        pool.held += STREAM_WINDOW;
        if (len > 0 && s->in)
            memcpy(bigger, s->in + s->in_from, len);
        if (s->in)
            drop_in_buffer(s);
        s->in = bigger;
        s->in_size = STREAM_WINDOW;
    } else if (s->in_from > 0 &&
               (len == 0 || s->in_size - s->in_from < want || s->in_to == s->in_size)) {
        if (len > 0 && s->in)
            memmove(s->in, s->in + s->in_from, len);
    } else {
        return;
    }
    s->in_from = 0;
    s->in_to = len;
}

/* ------------------------------------------------------------------ life */

struct stream *stream_new(const struct stream_ops *ops, void *below) {
    struct stream *s = NEW(struct stream);
    s->ops = ops;
    s->below = below;
    s->timeout = USEC_NEVER;
    s->heard = fiber_now();
    return s;
}

static void free_shell(struct stream *s) {
    if (s->in)
        drop_in_buffer(s);
    if (s->out)
        buffer_put(s->out);
    if (!s->settled)
        free(s);
}

struct stream *stream_settle(struct stream *s, struct stream_room *room) {
    MUST(!s->waiter && !s->settled);
    struct stream *there = (void *)room;
    *there = *s;
    there->settled = true;
    free(s);
    return there;
}

void stream_free(struct stream *s) {
    if (!s)
        return;
    s->ops->close(s->below);
    free_shell(s);
}

int stream_detach(struct stream *s, struct arena *a, int *ret_fd, struct slice *ret_unread) {
    if (!s->ops->detach)
        return -EINVAL;
    *ret_unread = arena_copy(a, stream_window(s));
    *ret_fd = s->ops->detach(s->below);
    free_shell(s);
    return 0;
}

void stream_below(const struct stream *s, const struct stream_ops **ret_ops, void **ret_below) {
    *ret_ops = s->ops;
    *ret_below = s->below;
}

void stream_replace(struct stream *s, const struct stream_ops *ops, void *below) {
    s->ops = ops;
    s->below = below;
}

int stream_error(const struct stream *s) {
    return s->write_error ? s->write_error : s->read_error;
}

struct stream_counts stream_counts(const struct stream *s) {
    return s->counts;
}

usec_t stream_heard(const struct stream *s) {
    return s->heard;
}

/* ------------------------------------------------------------------ limits */

void stream_set_timeout(struct stream *s, usec_t each_wait) {
    s->timeout = each_wait;
}

void stream_set_min_rate(struct stream *s, size_t bytes_per_second, usec_t grace) {
    s->min_rate = (uint32_t)bytes_per_second;
    s->rate_grace = grace;
    stream_rate_restart(s);
}

void stream_rate_restart(struct stream *s) {
    s->rate_began = fiber_now();
    s->rate_bytes = 0;
}

static usec_t wait_until(const struct stream *s) {
    return s->timeout == USEC_NEVER ? USEC_NEVER : fiber_now() + s->timeout;
}

/*
 * A peer that is as fast as we are would never let the fiber wait, and so nobody else run. 0, or
 * -ECANCELED.
 */
static int give_way(struct stream *s, size_t moved) WAITS {
    s->turn += (uint32_t)moved;
    if (s->turn < TURN_BYTES)
        return 0;
    s->turn = 0;
    return fiber_yield();
}

/* ------------------------------------------------------------------ reading */

static int wait_for_input(struct stream *s) WAITS {
    s->turn = 0;
    usec_t patience = wait_until(s);
    usec_t slow = USEC_NEVER; /* when a peer that sends nothing more falls below the minimum rate */
    if (s->min_rate > 0)
        slow = s->rate_began + s->rate_grace +
               (usec_t)(s->rate_bytes * (uint64_t)USEC_SEC / s->min_rate);
    if (s->in && s->in_from == s->in_to)
        drop_in_buffer(s);
    int r = s->ops->wait_read(s->below, MIN(patience, slow));
    return r == -ETIMEDOUT && slow <= fiber_now() ? -E_SLOW : r;
}

/* One read into the room for `want` bytes: 0 with more of them, -EAGAIN, or the sticky error. */
static int read_once(struct stream *s, size_t want) {
    make_room(s, want);
    ssize_t n = s->ops->read(s->below, s->in + s->in_to, s->in_size - s->in_to);
    if (n > 0) {
        s->in_to += (uint32_t)n;
        s->counts.in += (uint64_t)n;
        s->heard = fiber_now();
        s->rate_bytes += (uint64_t)n;
        return 0;
    }
    if (n != -EAGAIN)
        s->read_error = n == 0 ? -E_EOF : (int)n;
    return n == -EAGAIN ? -EAGAIN : s->read_error;
}

void stream_set_secret(struct stream *s, bool secret) {
    if (s->secret && s->in) {
        mem_wipe(s->in, s->in_from);
        mem_wipe(s->in + s->in_to, s->in_size - s->in_to);
    }
    s->secret = secret;
}

int stream_fill(struct stream *s, size_t want) {
    MUST(want <= STREAM_WINDOW);
    if (s->in_to - s->in_from >= want)
        return 0;
    int r = stream_flush(s);
    if (r == 0 || s->hears_out)
        r = s->read_error;
    while (r == 0 && s->in_to - s->in_from < want) {
        uint64_t before = s->counts.in;
        r = read_once(s, want);
        if (r == -EAGAIN)
            r = wait_for_input(s);
        else if (r == 0)
            r = give_way(s, (size_t)(s->counts.in - before));
    }
    return r;
}

int stream_fill_or_nudge(struct stream *s) {
    if (s->in_to > s->in_from)
        return 0;
    int r = stream_flush(s);
    if (r == 0 || s->hears_out)
        r = s->read_error;
    while (r == 0 && !s->nudged) {
        r = read_once(s, 1);
        if (r != -EAGAIN)
            return r;
        s->waiter = fiber_self();
        r = wait_for_input(s);
        s->waiter = NULL;
        if (r == -EINTR)
            r = 0;
    }
    if (r == 0) {
        s->nudged = false;
        r = -EINTR;
    }
    return r;
}

void stream_nudge(struct stream *s) {
    s->nudged = true;
    if (s->waiter)
        fiber_interrupt(s->waiter);
}

int stream_fill_more(struct stream *s) {
    size_t have = s->in_to - s->in_from;
    return have >= STREAM_WINDOW ? -E_LIMIT : stream_fill(s, have + 1);
}

struct slice stream_window(const struct stream *s) {
    return slice_of(s->in ? s->in + s->in_from : "", s->in_to - s->in_from);
}

void stream_consume(struct stream *s, size_t len) {
    MUST(len <= s->in_to - s->in_from);
    s->in_from += (uint32_t)len;
}

int stream_read_line(struct stream *s, size_t max, struct slice *ret_line) {
    size_t searched = 0;
    MUST(max <= STREAM_WINDOW);
    for (;;) {
        struct slice window = slice_first(stream_window(s), max);
        ssize_t at = slice_find_byte(slice_from(window, searched), '\n');
        if (at >= 0) {
            *ret_line = slice_first(window, searched + (size_t)at + 1);
            stream_consume(s, ret_line->len);
            return 0;
        }
        if (window.len == max)
            return -E_LIMIT;
        searched = window.len;
        int r = stream_fill_more(s);
        if (r < 0)
            return r;
    }
}

int stream_skip_line(struct stream *s, size_t max, bool *ret_bare) {
    bool behind_cr = false;
    while (max > 0) {
        struct slice window = slice_first(stream_window(s), max);
        ssize_t at = slice_find_byte(window, '\n');
        size_t n = at >= 0 ? (size_t)at + 1 : window.len;
        if (at != 0 && window.len > 0)
            behind_cr = window.ptr[at > 0 ? (size_t)at - 1 : window.len - 1] == '\r';
        stream_consume(s, n);
        if (at >= 0 && ret_bare)
            *ret_bare = !behind_cr;
        if (at >= 0)
            return 0;
        max -= n;
        int r = max > 0 ? stream_fill(s, 1) : 0;
        if (r < 0)
            return r;
    }
    return -E_LIMIT;
}

int stream_read_exact(struct stream *s, void *to, size_t len) {
    char *at = to;
    while (len > 0) {
        int r = stream_fill(s, 1);
        if (r < 0)
            return r;
        struct slice piece = slice_first(stream_window(s), len);
        memcpy(at, piece.ptr, piece.len);
        stream_consume(s, piece.len);
        at += piece.len;
        len -= piece.len;
    }
    return 0;
}

int stream_unread(struct stream *s, struct slice bytes) {
    uint32_t len = s->in_to - s->in_from;
    if (bytes.len > STREAM_WINDOW - len)
        return -E_LIMIT;
    if (bytes.len == 0)
        return 0;
    make_room(s, len + bytes.len);
    memmove(s->in + s->in_from + bytes.len, s->in + s->in_from, len);
    memcpy(s->in + s->in_from, bytes.ptr, bytes.len);
    s->in_to += (uint32_t)bytes.len;
    return 0;
}

bool stream_has_input(const struct stream *s) {
    return s->in_from < s->in_to;
}

size_t stream_drop_input(struct stream *s) {
    size_t dropped = s->in_to - s->in_from;
    if (s->in)
        drop_in_buffer(s);
    return dropped;
}

/* ------------------------------------------------------------------ writing */

static int write_all(struct stream *s, struct slice bytes) WAITS {
    while (!s->write_error && bytes.len > 0) {
        ssize_t n = s->ops->write(s->below, bytes.ptr, bytes.len);
        if (n >= 0) {
            bytes = slice_from(bytes, (size_t)n);
            s->counts.out += (uint64_t)n;
            s->write_error = give_way(s, (size_t)n);
        } else if (n == -EAGAIN) {
            s->write_error = s->ops->wait_write(s->below, wait_until(s));
        } else {
            s->write_error = (int)n;
        }
    }
    return s->write_error;
}

int stream_flush(struct stream *s) {
    if (!s->out)
        return s->write_error;
    char *out = TAKE_PTR(s->out);
    uint32_t len = s->out_len;
    s->out_len = 0;
    (void)write_all(s, slice_of(out, len));
    buffer_put(out);
    return s->write_error;
}

void stream_write(struct stream *s, struct slice bytes) {
    while (!s->write_error && bytes.len > 0) {
        if (!s->out && bytes.len >= BUFFER_SIZE) {
            (void)write_all(s, bytes);
            return;
        }
        if (!s->out)
            s->out = buffer_get();
        struct slice piece = slice_first(bytes, BUFFER_SIZE - s->out_len);
        memcpy(s->out + s->out_len, piece.ptr, piece.len);
        s->out_len += (uint32_t)piece.len;
        bytes = slice_from(bytes, piece.len);
        if (s->out_len == BUFFER_SIZE)
            (void)stream_flush(s);
    }
}

void stream_str(struct stream *s, const char *text) {
    stream_write(s, slice_of_str(text));
}

void stream_printf(struct stream *s, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    MUST(len >= 0);
    if ((size_t)len < sizeof text) {
        stream_write(s, slice_of(text, (size_t)len));
        return;
    }
    char *longer = mem_alloc((size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(longer, (size_t)len + 1, format, args);
    va_end(args);
    stream_write(s, slice_of(longer, (size_t)len));
    free(longer);
}

/* ------------------------------------------------------------------ several streams, one fiber */

int stream_try_fill(struct stream *s) {
    if (s->in_from < s->in_to)
        return 0;
    int r = s->write_error && !s->hears_out ? s->write_error : s->read_error;
    if (r == 0)
        r = read_once(s, 1);
    if (r < 0 && s->in)
        drop_in_buffer(s);
    return r;
}

size_t stream_try_write(struct stream *s, struct slice bytes) {
    if (s->write_error)
        return bytes.len; /* output is dropped, as ever */
    struct slice piece = slice_first(bytes, BUFFER_SIZE - (s->out ? s->out_len : 0));
    if (piece.len == 0)
        return 0;
    if (!s->out)
        s->out = buffer_get();
    memcpy(s->out + s->out_len, piece.ptr, piece.len);
    s->out_len += (uint32_t)piece.len;
    return piece.len;
}

int stream_try_flush(struct stream *s) {
    uint32_t sent = 0;
    int r = s->write_error;
    while (r == 0 && sent < s->out_len) {
        ssize_t n = s->ops->write(s->below, s->out + sent, s->out_len - sent);
        if (n >= 0) {
            sent += (uint32_t)n;
            s->counts.out += (uint64_t)n;
        } else {
            r = (int)n;
        }
    }
    if (r < 0 && r != -EAGAIN)
        s->write_error = r;
    s->out_len = r == -EAGAIN ? s->out_len - sent : 0;
    if (s->out && s->out_len > 0) {
        memmove(s->out, s->out + sent, s->out_len);
    } else if (s->out) {
        buffer_put(s->out);
        s->out = NULL;
    }
    return r;
}

int stream_wait_any(const struct stream_wish *wishes, size_t count, usec_t deadline) {
    struct fiber_fd_wish list[STREAM_WISHES_MAX];
    MUST(count <= STREAM_WISHES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct stream *s = wishes[i].stream;
        MUST(s->ops->watch);
        list[i] = s->ops->watch(s->below, wishes[i].output);
    }
    return fiber_fd_wait_any(list, count, deadline);
}

/* ------------------------------------------------------------------ files */

int stream_send_file(struct stream *s, int file, uint64_t offset, uint64_t len) {
    char *buffer = len > 0 ? mem_alloc(STREAM_WINDOW) : NULL;
    while (!s->write_error && len > 0) {
        int n = file_read(file, offset, buffer, (size_t)MIN(len, (uint64_t)STREAM_WINDOW));
        if (n <= 0) {
            free(buffer);
            return n < 0 ? n : -EIO;
        }
        stream_write(s, slice_of(buffer, (size_t)n));
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    free(buffer);
    return s->write_error;
}

void stream_hear_out(struct stream *s) {
    s->hears_out = true;
}

int stream_shutdown(struct stream *s) {
    int r = stream_flush(s);
    return r < 0 ? r : s->ops->shutdown(s->below);
}
