/* SPDX-License-Identifier: ISC */
/*
 * A character that is cut between two pieces of a text: its first bytes wait for the others. All
 * zero: none does.
 */
#pragma once

#include <string.h>

#include "base/buf.h"
#include "base/error.h"

#define CUT_MAX 4U

struct cut_character {
    uint8_t len;
    char bytes[CUT_MAX];
};

static inline struct slice cut_bytes(const struct cut_character *c) {
    return slice_of(c->bytes, c->len);
}

/* At most CUT_MAX bytes, in place of those before. */
static inline void cut_keep(struct cut_character *c, struct slice bytes) {
    MUST(bytes.len <= CUT_MAX);
    if (bytes.len > 0)
        memcpy(c->bytes, bytes.ptr, bytes.len);
    c->len = (uint8_t)bytes.len;
}

/*
 * Has what was kept read with the first bytes of the next piece, one by one until no more is kept,
 * and gives the rest of the piece. `read` says how many bytes it has read: all but those of a
 * character that more may belong to, of which there are at most CUT_MAX.
 */
static inline struct slice cut_go_on(struct cut_character *c, struct slice piece,
                                     size_t (*read)(void *arg, struct slice bytes, struct buf *to),
                                     void *arg, struct buf *to) {
    while (piece.len > 0 && c->len > 0) {
        char joined[CUT_MAX + 1];
        struct slice all = slice_of(joined, c->len + 1U);
        memcpy(joined, c->bytes, c->len);
        joined[c->len] = piece.ptr[0];
        piece = slice_from(piece, 1);
        cut_keep(c, slice_from(all, read(arg, all, to)));
    }
    return piece;
}
