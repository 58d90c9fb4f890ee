/* SPDX-License-Identifier: ISC */
/* Files as others compress them. */
#pragma once

#include <zlib.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/error.h"

/* `window` as in zlib: 31 is gzip, -15 has no frame. */
static inline void deflate_to(struct buf *to, struct slice bytes, int window) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes.ptr, .avail_in = (uInt)bytes.len};
    MUST(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    buf_reserve(to, deflateBound(&z, bytes.len) + 64);
    z.next_out = (Bytef *)to->ptr + to->len;
    z.avail_out = (uInt)(to->size - to->len);
    MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
    to->len += z.total_out;
    MUST(deflateEnd(&z) == Z_OK);
}

/* A file of a zip: at its offset the local header and the bytes; `list` gets its entry. */
static inline void zip_add(struct buf *zip, struct buf *list, struct slice name, struct slice bytes,
                           uint16_t method, uint16_t flags) {
    size_t at = zip->len, packed_len;
    struct buf packed = {0};
    if (method == 8)
        deflate_to(&packed, bytes, -15);
    else
        buf_add(&packed, bytes);
    packed_len = packed.len;
    for (int entry = 0; entry < 2; entry++) {
        struct buf *to = entry ? list : zip;
        buf_add(to, entry ? S("PK\1\2") : S("PK\3\4"));
        if (entry)
            buf_add_u16(to, 20);
        buf_add_u16(to, 20);
        buf_add_u16(to, flags);
        buf_add_u16(to, method);
        buf_add_u32(to, 0); /* time */
        buf_add_u32(to, (uint32_t)crc32(0, (const Bytef *)bytes.ptr, (uInt)bytes.len));
        bool later = !entry && (flags & 8) != 0;
        buf_add_u32(to, later ? 0 : (uint32_t)packed_len);
        buf_add_u32(to, later ? 0 : (uint32_t)bytes.len);
        buf_add_u16(to, (uint16_t)name.len);
        buf_add_u16(to, 0);
        if (entry) {
            buf_add_u16(to, 0);
            buf_add_u32(to, 0);
            buf_add_u32(to, 0);
            buf_add_u32(to, (uint32_t)at);
        }
        buf_add(to, name);
        if (!entry)
            buf_add(to, buf_slice(&packed));
    }
    buf_done(&packed);
}

static inline void zip_end(struct buf *zip, struct buf *list, uint16_t count,
                           struct slice comment) {
    size_t at = zip->len;
    buf_add(zip, buf_slice(list));
    buf_add(zip, S("PK\5\6\0\0\0\0"));
    buf_add_u16(zip, count);
    buf_add_u16(zip, count);
    buf_add_u32(zip, (uint32_t)list->len);
    buf_add_u32(zip, (uint32_t)at);
    buf_add_u16(zip, (uint16_t)comment.len);
    buf_add(zip, comment);
    buf_done(list);
}
