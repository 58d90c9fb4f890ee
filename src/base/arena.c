/* SPDX-License-Identifier: ISC */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/format.h"

#define SENTENCE 512U

struct arena_block {
    struct arena_block *next;
    size_t size; /* of `bytes` */
    alignas(max_align_t) char bytes[];
};

static void add_block(struct arena *a, size_t size) {
    size_t room = MIN(MAX((size_t)ARENA_BLOCK, a->total / 4), (size_t)ARENA_LARGE);
    room = MAX(room - sizeof(struct arena_block), size);
    struct arena_block *block = mem_alloc(sizeof *block + room);
    block->next = a->blocks;
    block->size = room;
    a->blocks = block;
    a->used = 0;
    a->total += room;
}

void *arena_alloc(struct arena *a, size_t size) {
    MUST(size < SIZE_MAX / 2);
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!a->blocks || a->blocks->size - a->used < size)
        add_block(a, size);
    char *memory = a->blocks->bytes + a->used;
    a->used += size;
    if (size > 0)
        memset(memory, 0, size);
    return memory;
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    size_t bytes = 0;
    MUST(!__builtin_mul_overflow(count, size, &bytes));
    return arena_alloc(a, bytes);
}

struct slice arena_copy(struct arena *a, struct slice s) {
    return slice_of(arena_str(a, s), s.len);
}

struct slice arena_lower(struct arena *a, struct slice s) {
    return slice_lower(s, arena_alloc(a, s.len + 1));
}

char *arena_str(struct arena *a, struct slice s) {
    char *copy = arena_alloc(a, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

struct slice arena_printf_v(struct arena *a, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    char sentence[SENTENCE];
    int len = format_text(sentence, sizeof sentence, format, args);
    MUST(len >= 0);
    char *text = arena_alloc(a, (size_t)len + 1);
    if ((size_t)len < sizeof sentence)
        memcpy(text, sentence, (size_t)len);
    else
        (void)format_text(text, (size_t)len + 1, format, again);
    va_end(again);
    return slice_of(text, (size_t)len);
}

struct slice arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct slice text = arena_printf_v(a, format, args);
    va_end(args);
    return text;
}

void arena_reset(struct arena *a) {
    struct arena_block *keep = a->blocks;
    if (!keep)
        return;
    while (keep->next) { /* the oldest block has the standard size unless its first use was big */
        struct arena_block *next = keep->next;
        free(keep);
        keep = next;
    }
    a->blocks = keep;
    a->total = keep->size;
    a->used = 0;
    if (keep->size > ARENA_BLOCK)
        arena_done(a);
}

void arena_done(struct arena *a) {
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    *a = (struct arena){0};
}

void arena_wipe(struct arena *a) {
    for (struct arena_block *block = a->blocks; block; block = block->next)
        mem_wipe(block->bytes, block->size);
    arena_done(a);
}
