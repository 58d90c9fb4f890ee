/* SPDX-License-Identifier: ISC */
/*
 * How the facts of each record begin, and how texts stand in them. For note.c and note_lists.c.
 */
#pragma once

#include "base/bytes.h"
#include "store/solo/note.h"

/* Facts that a later program has added to stand behind those that are known, in this version. */
#define NOTE_VERSION 1U

/* The version, and the account, which stands in all of them. */
static inline void note_begin(struct buf *to, uint64_t account) {
    buf_add_u8(to, NOTE_VERSION);
    buf_add_u64(to, account);
}

/* Reads these. -E_CORRUPT, or -E_VERSION: of a later program. */
static inline int note_open(struct slice facts, struct reader *ret, uint64_t *ret_account) {
    struct reader r = {.rest = facts};
    uint8_t version = read_u8(&r);
    uint64_t account = read_u64(&r);
    if (r.bad || version == 0)
        return -E_CORRUPT;
    if (version > NOTE_VERSION)
        return -E_VERSION;
    *ret = r;
    *ret_account = account;
    return 0;
}

/* A text of at most UINT16_MAX bytes, behind its length. */
static inline void note_add_text(struct buf *to, struct slice s) {
    MUST(s.len <= UINT16_MAX);
    buf_add_u16(to, (uint16_t)s.len);
    buf_add(to, s);
}

/* It points into the facts. */
static inline struct slice note_read_text(struct reader *r) {
    return read_bytes(r, read_u16(r));
}
