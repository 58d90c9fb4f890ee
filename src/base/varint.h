/* SPDX-License-Identifier: ISC */
/*
 * Numbers in as few bytes as they need: seven bits in each, the lowest first, the eighth set in all
 * but the last (LEB128). At most ten bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"

static inline void varint_add(struct buf *to, uint64_t v) {
    char bytes[10];
    size_t len = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[len++] = (char)(v | 0x80);
    bytes[len++] = (char)v;
    buf_add_bytes(to, bytes, len);
}

static inline void varint_add_text(struct buf *to, struct slice text) {
    varint_add(to, text.len);
    buf_add(to, text);
}

/* One that does not fit into 64 bits sets `bad` of the reader, as does one that is cut short. */
static inline uint64_t varint_read(struct reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = read_u8(r);
        if (shift == 63 && byte > 1)
            break;
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return r->bad ? 0 : v;
    }
    r->bad = true;
    return 0;
}

/* A number and so many bytes; never NULL unless the reader is bad. */
static inline struct slice varint_read_text(struct reader *r) {
    return read_bytes(r, varint_read(r));
}
