/* SPDX-License-Identifier: ISC */
/*
 * The pieces of which generated marshalling code is made. Used by calls.c only.
 *
 * put_*() adds a value behind the bytes in `to`. False: it is over a limit of the schema, and the
 * frame is not sent; what was added up to then is of no use.
 * get_*() takes the next value off. False: the peer has sent bytes that the schema does not know,
 * or too many. Nothing is copied: slices point into the frame, lists lie in the arena of the call.
 * `max` is in bytes of one text, `most` and `recipients` are counts. All integers are
 * little-endian.
 */
#pragma once

#include <unistd.h>

#include "message/envelope.h"
#include "rpc/rpc.h"

/* A text or bytes: u32 length, then the bytes. */
static inline bool put_slice(struct buf *to, struct slice s, size_t max) {
    if (s.len > max)
        return false;
    buf_add_u32(to, (uint32_t)s.len);
    buf_add(to, s);
    return true;
}

static inline bool get_slice(struct reader *from, size_t max, struct slice *ret) {
    size_t len = read_u32(from);
    if (from->bad || len > max)
        return false;
    *ret = read_bytes(from, len);
    return !from->bad;
}

/* Each element takes at least one byte, so a count cannot ask for more memory than bytes came. */
static inline bool get_count(struct reader *from, size_t max, size_t *ret) {
    *ret = read_u32(from);
    return !from->bad && *ret <= max && *ret <= from->rest.len;
}

/* One byte, 0 or 1. */
static inline bool get_bool(struct reader *from, bool *ret) {
    uint8_t v = read_u8(from);
    *ret = v == 1;
    return v <= 1 && !from->bad;
}

/* An envelope as it is stored, too (message/envelope.h), behind its length as u32. */
static inline bool put_envelope(struct buf *to, const struct envelope *e, size_t recipients) {
    size_t begin = to->len;
    buf_add_u32(to, 0);
    if (e->count > recipients || envelope_encode(e, to) < 0)
        return false;
    put_u32(to->ptr + begin, (uint32_t)(to->len - begin - sizeof(uint32_t)));
    return true;
}

static inline bool get_envelope(struct reader *from, struct arena *a, size_t recipients,
                                struct envelope *ret) {
    struct slice bytes = read_bytes(from, read_u32(from));
    return !from->bad && envelope_decode(bytes, a, ret) == 0 && ret->count <= recipients;
}

/* A list of texts: u32 count, then each. */
static inline bool put_slices(struct buf *to, const struct slice *list, size_t count, size_t max,
                              size_t most) {
    if (count > most)
        return false;
    buf_add_u32(to, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        if (!put_slice(to, list[i], max))
            return false;
    return true;
}

static inline bool get_slices(struct reader *from, struct arena *a, size_t max, size_t most,
                              struct slice **ret, size_t *ret_count) {
    if (!get_count(from, most, ret_count))
        return false;
    *ret = arena_array(a, *ret_count, sizeof **ret);
    for (size_t i = 0; i < *ret_count; i++)
        if (!get_slice(from, max, &(*ret)[i]))
            return false;
    return true;
}

/* Closes a descriptor that nobody takes; -1 is fine. */
static inline void leave_fd(int fd) {
    if (fd >= 0)
        (void)close(fd);
}

/*
 * A descriptor, or -1: one byte says whether there is one; it travels beside the frame, in the
 * order of `fds`. It stays the caller's until the frame is sent. A frame has at most RPC_FRAME_FDS.
 */
static inline bool put_fd(struct buf *to, int fd, struct rpc_fds *fds) {
    buf_add_u8(to, fd >= 0);
    if (fd < 0)
        return true;
    if (fds->count == RPC_FRAME_FDS)
        return false;
    fds->fd[fds->count++] = fd;
    return true;
}

/* The next descriptor that came with the frame; the receiver's from now on. */
static inline bool get_fd(struct reader *from, int *ret, struct rpc_fds *fds) {
    bool there = false;
    *ret = -1;
    if (!get_bool(from, &there) || (there && fds->taken == fds->count))
        return false;
    if (there)
        *ret = fds->fd[fds->taken++];
    return true;
}
