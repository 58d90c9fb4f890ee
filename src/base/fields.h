/* SPDX-License-Identifier: ISC */
/*
 * Encodings that may grow: a sequence of fields of a tag (1 byte), a length (4) and a value. A text
 * is its bytes, a number is eight; a field may hold fields itself. Fields with their default (an
 * empty text, zero) are left out; a reader passes over tags that it does not know.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"

/* ------------------------------------------------------------------ writing */

static inline void field_put_text(struct buf *to, int tag, struct slice text) {
    if (text.len == 0)
        return;
    buf_add_u8(to, (uint8_t)tag);
    buf_add_u32(to, (uint32_t)text.len);
    buf_add(to, text);
}

static inline void field_put_number(struct buf *to, int tag, uint64_t number) {
    if (number == 0)
        return;
    buf_add_u8(to, (uint8_t)tag);
    buf_add_u32(to, sizeof number);
    buf_add_u64(to, number);
}

/* Begins a field with fields inside; field_end() with what it returned sets its length. */
static inline size_t field_begin(struct buf *to, int tag) {
    buf_add_u8(to, (uint8_t)tag);
    buf_add_u32(to, 0);
    return to->len;
}

static inline void field_end(struct buf *to, size_t begin) {
    put_u32(to->ptr + begin - sizeof(uint32_t), (uint32_t)(to->len - begin));
}

/* ------------------------------------------------------------------ reading */

struct field {
    uint8_t tag;
    struct slice value;
};

/* False at the end, or when the bytes are no field: then `bad` of the reader is set. */
static inline bool field_next(struct reader *r, struct field *ret) {
    if (r->bad || r->rest.len == 0)
        return false;
    ret->tag = read_u8(r);
    ret->value = read_bytes(r, read_u32(r));
    return !r->bad;
}

/* The number in a field; one above `max` sets `bad` of the reader. */
static inline uint64_t field_number(struct reader *r, const struct field *f, uint64_t max) {
    uint64_t n = f->value.len == sizeof n ? get_u64(f->value.ptr) : UINT64_MAX;
    if (n > max) {
        r->bad = true;
        return 0;
    }
    return n;
}

/* The text in a field; a longer one sets `bad` of the reader. */
static inline struct slice field_text(struct reader *r, const struct field *f, size_t max) {
    if (f->value.len > max)
        r->bad = true;
    return f->value;
}
