/* SPDX-License-Identifier: ISC */
/*
 * Each write of the stream above (a full buffer, or a flush) becomes compressed bytes that can be
 * read to their end. They are kept until all of them have gone, and only then the write counts as
 * done; until then it says -EAGAIN, and is repeated with the same bytes. So nothing is left to be
 * sent when the stream above waits or ends.
 */
#include "io/deflate.h"

#include <errno.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"

#define READ_SIZE   4096U
#define CHUNK       16384U /* bytes that are compressed at once */
#define LEVEL       3
#define WINDOW_BITS 13 /* of what we send: 64 KiB of memory while it is compressed */
#define MEMORY      6
#define IDLE_READS  16U /* reads that may give nothing before others get their turn */

struct deflater {
    const struct stream_ops *ops; /* of what is below */
    void *below;

    z_stream in;
    struct slice unread; /* of what was there at the beginning; then of `piece` */
    char *first, *piece; /* NULL while there is nothing in them */
    uint64_t came, became;
    bool may_have_more; /* the last inflate() filled its room */
    bool ready;         /* a read gave up though more may be there */
    bool ended;

    z_stream out;
    bool has_out;
    struct slice unsent; /* of `sent` */
    char *sent;
    size_t owed; /* bytes of the write that `sent` is */
};

/* ------------------------------------------------------------------ reading */

static void drop_pieces(struct deflater *d) {
    free(TAKE_PTR(d->first));
    free(TAKE_PTR(d->piece));
}

/* More bytes to be read: 1; 0 at the end; or an error, -EAGAIN too. */
static ssize_t get_piece(struct deflater *d) {
    drop_pieces(d);
    d->piece = mem_alloc(READ_SIZE);
    ssize_t n = d->ops->read(d->below, d->piece, READ_SIZE);
    if (n <= 0) {
        drop_pieces(d);
        return n;
    }
    d->unread = slice_of(d->piece, (size_t)n);
    d->came += (uint64_t)n;
    return 1;
}

/* As much of the unread bytes as there is room for. 0, or -EPROTO. */
static int inflate_some(struct deflater *d, void *to, size_t size, size_t *ret_len) {
    d->in.next_in = (const Bytef *)d->unread.ptr;
    d->in.avail_in = (uInt)d->unread.len;
    d->in.next_out = to;
    d->in.avail_out = (uInt)size;
    int r = inflate(&d->in, Z_SYNC_FLUSH);
    d->unread = slice_from(d->unread, d->unread.len - d->in.avail_in);
    *ret_len = size - d->in.avail_out;
    d->became += *ret_len;
    d->may_have_more = d->in.avail_out == 0;
    d->ended = r == Z_STREAM_END;
    return r == Z_OK || r == Z_BUF_ERROR || r == Z_STREAM_END ? 0 : -EPROTO;
}

static ssize_t deflate_read(void *below, void *to, size_t size) {
    struct deflater *d = below;
    size_t len = 0;
    for (unsigned reads = 0; !d->ended && reads < IDLE_READS; reads++) {
        if (d->unread.len == 0 && !d->may_have_more) {
            ssize_t n = get_piece(d);
            if (n <= 0)
                return n;
        }
        int error = inflate_some(d, to, MIN(size, (size_t)INT32_MAX), &len);
        if (error)
            return error;
        if (d->became > DEFLATE_FREE + d->came * DEFLATE_RATIO)
            return -E_LIMIT;
        if (len > 0)
            return (ssize_t)len;
    }
    d->ready = !d->ended;
    return d->ended ? 0 : -EAGAIN;
}

static void drop_compressor(struct deflater *d) {
    if (d->has_out)
        (void)deflateEnd(&d->out);
    d->has_out = false;
}

static int deflate_wait_read(void *below, usec_t deadline) WAITS {
    struct deflater *d = below;
    drop_compressor(d);
    if (!d->ready)
        return d->ops->wait_read(d->below, deadline);
    d->ready = false;
    return fiber_yield();
}

/* ------------------------------------------------------------------ writing */

static void compress_some(struct deflater *d, struct slice bytes) {
    if (!d->has_out)
        MUST(deflateInit2(&d->out, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEMORY, Z_DEFAULT_STRATEGY) ==
             Z_OK);
    d->has_out = true;
    size_t size = deflateBound(&d->out, bytes.len) + 16; /* and the end of a flush */
    d->sent = mem_alloc(size);
    d->out.next_in = (const Bytef *)bytes.ptr;
    d->out.avail_in = (uInt)bytes.len;
    d->out.next_out = (Bytef *)d->sent;
    d->out.avail_out = (uInt)size;
    MUST(deflate(&d->out, Z_SYNC_FLUSH) == Z_OK && d->out.avail_in == 0 && d->out.avail_out > 0);
    d->unsent = slice_of(d->sent, size - d->out.avail_out);
    d->owed = bytes.len;
}

static ssize_t deflate_write(void *below, const void *bytes, size_t len) {
    struct deflater *d = below;
    if (len == 0)
        return 0;
    if (d->owed == 0)
        compress_some(d, slice_of(bytes, MIN(len, CHUNK)));
    while (d->unsent.len > 0) {
        ssize_t n = d->ops->write(d->below, d->unsent.ptr, d->unsent.len);
        if (n < 0)
            return n;
        d->unsent = slice_from(d->unsent, (size_t)n);
    }
    free(TAKE_PTR(d->sent));
    size_t done = d->owed;
    d->owed = 0;
    return (ssize_t)done;
}

static int deflate_wait_write(void *below, usec_t deadline) WAITS {
    struct deflater *d = below;
    return d->ops->wait_write(d->below, deadline);
}

/* ------------------------------------------------------------------ the rest */

static int deflate_shutdown(void *below) {
    struct deflater *d = below;
    return d->ops->shutdown(d->below);
}

static void deflate_close(void *below) {
    struct deflater *d = below;
    drop_pieces(d);
    drop_compressor(d);
    (void)inflateEnd(&d->in);
    free(d->sent);
    d->ops->close(d->below);
    free(d);
}

static int deflate_fd(void *below) {
    (void)below;
    return -1;
}

static const struct stream_ops deflate_ops = {
    .read = deflate_read,
    .write = deflate_write,
    .wait_read = deflate_wait_read,
    .wait_write = deflate_wait_write,
    .shutdown = deflate_shutdown,
    .close = deflate_close,
    .fd = deflate_fd,
};

int stream_deflate(struct stream *s) {
    int error = stream_flush(s);
    if (error)
        return error;
    struct deflater *d = NEW(struct deflater);
    struct slice window = stream_window(s);
    MUST(inflateInit2(&d->in, -MAX_WBITS) == Z_OK);
    if (window.len > 0) {
        d->first = mem_alloc(window.len);
        memcpy(d->first, window.ptr, window.len);
        d->unread = slice_of(d->first, window.len);
        d->came = window.len;
    }
    (void)stream_drop_input(s);
    stream_below(s, &d->ops, &d->below);
    stream_replace(s, &deflate_ops, d);
    return 0;
}
