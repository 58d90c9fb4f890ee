/* SPDX-License-Identifier: ISC */
/*
 * Little-endian integers in byte arrays, for what is stored or sent. Pure.
 *
 * put_*() and get_*() work at any address, aligned or not; the caller has seen to it that so many
 * bytes are there. Bytes from elsewhere are read with a `struct reader`, which never runs over the
 * end: after the first read that finds too little, every further one gives zero or an empty slice
 * and `bad` stays set. So a decoder reads all its fields and checks `bad` once; before it allocates
 * by a count, or goes round a loop by one, it checks that as well.
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

/* Begins as {.rest = bytes}. The bytes belong to the caller; slices that are read point into them.
 */
struct reader {
    struct slice rest; /* what has not been read yet */
    bool bad;          /* something was cut short */
};

/* The next `len` bytes. A length that cannot be right is given as SIZE_MAX. */
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
