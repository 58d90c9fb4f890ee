/* SPDX-License-Identifier: ISC */
/*
 * A growing byte buffer that owns its memory. The zero value is an empty buffer. Appending never
 * fails (see alloc.h); whoever lets strangers grow one sets the bound before appending.
 */
#pragma once

#include <stdarg.h>

#include "base/slice.h"

struct buf {
    char *ptr;
    size_t len;
    size_t size;
};

void buf_done(struct buf *b);
void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind len */
void buf_add(struct buf *b, struct slice s);
void buf_add_bytes(struct buf *b, const void *bytes, size_t len);
void buf_add_byte(struct buf *b, char c);
void buf_add_str(struct buf *b, const char *text);

/* In double quotes, with a backslash before each quote and backslash. */
void buf_add_quoted(struct buf *b, struct slice text);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_printf_v(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Unsigned integers, little-endian, as stored in packs and sent between roles. */
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u16(struct buf *b, uint16_t v);
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);

/* Drops the first `n` bytes; the rest moves to the front. */
void buf_drop(struct buf *b, size_t n);

/* The text with a NUL behind it, which does not count in len. */
const char *buf_str(struct buf *b);

static inline void buf_clear(struct buf *b) {
    b->len = 0;
}
static inline struct slice buf_slice(const struct buf *b) {
    return slice_of(b->ptr, b->len);
}
