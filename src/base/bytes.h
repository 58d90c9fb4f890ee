/* SPDX-License-Identifier: ISC */
/*
 * Little-endian integers in byte arrays, and a reader that never runs over the end: after the first
 * short read every further one gives zero and `bad` stays set, so a decoder checks once at its end.
 */
#pragma once

#include <endian.h>

#include "base/slice.h"

static inline void put_u16(void *at, uint16_t v) {
    v = htole16(v);
    memcpy(at, &v, sizeof v);
}
static inline void put_u32(void *at, uint32_t v) {
    v = htole32(v);
    memcpy(at, &v, sizeof v);
}
static inline void put_u64(void *at, uint64_t v) {
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}
static inline uint16_t get_u16(const void *at) {
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return le16toh(v);
}
static inline uint32_t get_u32(const void *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return le32toh(v);
}
static inline uint64_t get_u64(const void *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

struct reader {
    struct slice rest;
    bool bad;
};

static inline struct slice read_bytes(struct reader *r, size_t len) {
    if (r->bad || r->rest.len < len) {
        r->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice s = slice_first(r->rest, len);
    r->rest = slice_from(r->rest, len);
    return s;
}
static inline uint8_t read_u8(struct reader *r) {
    struct slice s = read_bytes(r, 1);
    return s.ptr ? (uint8_t)s.ptr[0] : 0;
}
static inline uint16_t read_u16(struct reader *r) {
    struct slice s = read_bytes(r, sizeof(uint16_t));
    return s.ptr ? get_u16(s.ptr) : 0;
}
static inline uint32_t read_u32(struct reader *r) {
    struct slice s = read_bytes(r, sizeof(uint32_t));
    return s.ptr ? get_u32(s.ptr) : 0;
}
static inline uint64_t read_u64(struct reader *r) {
    struct slice s = read_bytes(r, sizeof(uint64_t));
    return s.ptr ? get_u64(s.ptr) : 0;
}
