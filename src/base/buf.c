/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/format.h"

void buf_done(struct buf *b) {
    free(b->ptr);
    *b = (struct buf){0};
}

void buf_reserve(struct buf *b, size_t more) {
    size_t want = 0;
    MUST(!__builtin_add_overflow(b->len, more, &want));
    if (want <= b->size)
        return;
    size_t size = MAX(b->size + b->size / 2, (size_t)64);
    b->size = MAX(size, want);
    b->ptr = mem_grow(b->ptr, b->size);
}

void buf_add_bytes(struct buf *b, const void *bytes, size_t len) {
    if (len == 0)
        return;
    buf_reserve(b, len);
    memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
}

void buf_add(struct buf *b, struct slice s) {
    buf_add_bytes(b, s.ptr, s.len);
}

void buf_add_byte(struct buf *b, char c) {
    buf_add_bytes(b, &c, 1);
}

void buf_add_str(struct buf *b, const char *text) {
    buf_add(b, slice_of_str(text));
}

void buf_add_quoted(struct buf *b, struct slice text) {
    buf_reserve(b, 2 * text.len + 2);
    char *at = b->ptr + b->len;
    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            *at++ = '\\';
        *at++ = text.ptr[i];
    }
    *at++ = '"';
    b->len = (size_t)(at - b->ptr);
}

void buf_printf_v(struct buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    size_t room = b->size - b->len;
    int len = format_text(room > 0 ? b->ptr + b->len : NULL, room, format, args);
    MUST(len >= 0);
    if ((size_t)len >= room) {
        buf_reserve(b, (size_t)len + 1);
        (void)format_text(b->ptr + b->len, (size_t)len + 1, format, again);
    }
    va_end(again);
    b->len += (size_t)len;
}

void buf_printf(struct buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_printf_v(b, format, args);
    va_end(args);
}

void buf_add_u8(struct buf *b, uint8_t v) {
    buf_add_bytes(b, &v, 1);
}

void buf_add_u16(struct buf *b, uint16_t v) {
    buf_reserve(b, sizeof v);
    put_u16(b->ptr + b->len, v);
    b->len += sizeof v;
}

void buf_add_u32(struct buf *b, uint32_t v) {
    buf_reserve(b, sizeof v);
    put_u32(b->ptr + b->len, v);
    b->len += sizeof v;
}

void buf_add_u64(struct buf *b, uint64_t v) {
    buf_reserve(b, sizeof v);
    put_u64(b->ptr + b->len, v);
    b->len += sizeof v;
}

void buf_drop(struct buf *b, size_t n) {
    MUST(n <= b->len);
    b->len -= n;
    if (b->len > 0 && n > 0)
        memmove(b->ptr, b->ptr + n, b->len);
}

const char *buf_str(struct buf *b) {
    buf_reserve(b, 1);
    b->ptr[b->len] = '\0';
    return b->ptr;
}
