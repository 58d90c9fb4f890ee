/* SPDX-License-Identifier: ISC */
/*
 * An arena: memory of a session or a command that is given back all at once. Nothing allocated from
 * it is freed by itself. The zero value is an empty arena; the first allocation gets its first
 * block, so an arena that is reset and idle keeps at most one block (ARENA_BLOCK bytes). The blocks
 * of one that grows become larger, a quarter of what it has, up to ARENA_LARGE.
 *
 *     struct arena a = {0};
 *     struct slice name = arena_copy(&a, S("tama"));
 *     arena_reset(&a);        names cut from it are gone, the first block is kept
 *     arena_done(&a);         all blocks are gone
 */
#pragma once

#include <stdarg.h>

#include "base/slice.h"

#define ARENA_BLOCK 4096U
#define ARENA_LARGE 1048576U

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes used in the newest block */
    size_t total;               /* bytes held in all blocks */
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any object */
void *arena_array(struct arena *a, size_t count, size_t size);
struct slice arena_copy(struct arena *a, struct slice s);  /* the copy has a NUL behind it */
struct slice arena_lower(struct arena *a, struct slice s); /* the same, its ASCII in lower case */
char *arena_str(struct arena *a, struct slice s);
struct slice arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
struct slice arena_printf_v(struct arena *a, const char *format, va_list args) PRINTF_LIKE(2, 0);

void arena_reset(struct arena *a);
void arena_done(struct arena *a);
void arena_wipe(struct arena *a); /* the same, for secrets: nothing of it is left in memory */

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
