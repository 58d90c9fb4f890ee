/* SPDX-License-Identifier: ISC */
/* The nodes of a version of entries. For entries*.c only. */
#pragma once

#include "store/entries.h"

struct kid {
    struct entries *node;
    uint32_t first; /* its smallest UID */
    uint32_t count;
};

struct entries {
    unsigned holders;
    uint8_t level; /* 0: a leaf */
    uint8_t used, size;
    uint32_t count;  /* entries below */
    uint64_t bytes;  /* their sizes */
    uint64_t newest; /* no MODSEQ below is higher */
    union {
        struct store_entry entries[1];
        struct kid kids[1];
    };
};

/* Makes a node the caller's alone, with room for `size`. */
void entries_own(struct entries **node, unsigned size, int64_t *memory);

/* The last kid whose UIDs do not all lie above this one; the first if there is none. */
unsigned entries_kid_of(const struct entries *e, uint32_t uid);

/* Sums up a kid again after a change below it. */
void entries_note_kid(struct kid *kid);

/* Moves what the kid behind this one has into it, if both together fill a node by three quarters at
 * most. */
void entries_merge_next(struct entries *e, unsigned at, int64_t *memory);

/* A root with one kid gives way to it, and one with nothing below to nothing. */
void entries_lower(struct entries **root, int64_t *memory);
