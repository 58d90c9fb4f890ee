/* SPDX-License-Identifier: ISC */
/*
 * Bytes of messages, and what the queue keeps in an envelope for itself.
 */

#include "base/bytes.h"
#include "base/write.h"
#include "queue/internal.h"

#define COPY_BLOCK    (256U << 10)
#define EXTRA_VERSION 2U

/* ------------------------------------------------------------------ envelope.extra */

void extra_encode(const struct queue_extra *extra, struct buf *to) {
    buf_add_u8(to, EXTRA_VERSION);
    buf_add_u8(to, extra->depth);
    buf_add_u64(to, extra->parent);
    buf_add_u32(to, extra->mailboxes);
    buf_add_u64(to, extra->root);
    buf_add_u8(to, extra->stranger);
}

/* Of a newer version the known part counts; what is missing is zero. Version 1 had the shape. */
static void extra_decode(struct slice bytes, struct queue_extra *ret) {
    struct reader r = {.rest = bytes};
    *ret = (struct queue_extra){0};
    uint8_t version = read_u8(&r);
    ret->depth = read_u8(&r);
    ret->shape = version == 1 ? read_u32(&r) : 0;
    ret->parent = read_u64(&r);
    ret->mailboxes = read_u32(&r);
    ret->root = read_u64(&r);
    ret->stranger = read_u8(&r) != 0;
}

void envelope_read(const struct spool_message *message, struct arena *a, struct envelope *ret,
                   struct queue_extra *ret_extra) {
    spool_envelope(message, a, ret);
    extra_decode(ret->extra, ret_extra);
    ret->shape |= ret_extra->shape;
}

/* ------------------------------------------------------------------ addresses */

struct address address_of(struct arena *a, struct slice text) {
    struct address address;
    if (text.len == 0)
        return (struct address){0};
    if (address_parse(a, text, ADDRESS_UTF8 | ADDRESS_LOOSE, &address, NULL) == 0)
        return address;
    struct slice domain = route_domain(text);
    size_t local = text.len - (domain.len ? domain.len + 1 : 0);
    return (struct address){
        .local = slice_first(text, local), .domain = domain, .needs_quotes = true};
}

/* ------------------------------------------------------------------ large files */

struct write_job {
    int fd;
    struct slice bytes;
    uint64_t offset;
};

static int run_write(void *arg) {
    const struct write_job *job = arg;
    return write_exactly(job->fd, job->bytes, job->offset);
}

static int write_bytes(int fd, struct slice bytes, uint64_t offset) WAITS {
    struct write_job job = {.fd = fd, .bytes = bytes, .offset = offset};
    return offload(OFFLOAD_DISK, run_write, &job);
}

static int copy_file(int fd, const struct spool_body *body) WAITS {
    _cleanup_(buf_done) struct buf block = {0};
    buf_reserve(&block, COPY_BLOCK);
    for (uint64_t done = 0; done < body->file_len;) {
        ssize_t n = spool_body_read(body, body->bytes.len + done, block.ptr, COPY_BLOCK);
        if (n <= 0)
            return n < 0 ? (int)n : -E_CORRUPT;
        int error = write_bytes(fd, slice_of(block.ptr, (size_t)n), done);
        if (error)
            return error;
        done += (uint64_t)n;
    }
    return 0;
}

int content_large(struct queue *q, queue_id id, struct slice bytes, const struct spool_body *body,
                  struct spool_large **ret_large) {
    struct spool_large *large;
    int error = spool_large_begin(q->spool, id, &large);
    if (error)
        return error;
    int fd = spool_large_fd(large);
    error = body ? copy_file(fd, body) : write_bytes(fd, bytes, 0);
    if (error)
        spool_large_drop(q->spool, large);
    else
        *ret_large = large;
    return error;
}
