/* SPDX-License-Identifier: ISC */
/*
 * Memory. A process that gets no memory for a small object cannot answer sensibly any more: these
 * calls end it, the master starts it again, and nothing acknowledged is lost. Sizes that a stranger
 * chooses are bounded before they get here.
 */
#pragma once

#include "base/slice.h"

void *mem_alloc(size_t size);                    /* not zeroed; never NULL; size 0 is allowed */
void *mem_zero(size_t size);                     /* zeroed */
void *mem_grow(void *memory, size_t size);       /* realloc */
void *mem_array(size_t count, size_t size);      /* zeroed; the product is checked */
void *mem_copy(const void *memory, size_t size); /* a copy on the heap */
char *mem_str(struct slice text);                /* a copy with a NUL behind, on the heap */
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);

/* A zeroed object of a type on the heap; ends with free() or its own free function. */
#define NEW(type) ((type *)mem_zero(sizeof(type)))

/* Overwrites a secret in a way that the compiler keeps. */
void mem_wipe(void *memory, size_t size);
