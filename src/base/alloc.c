/* SPDX-License-Identifier: ISC */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

static void *checked(void *memory, size_t size) {
    if (!memory && size > 0)
        panic("out of memory (%zu bytes wanted)", size);
    return memory;
}

void *mem_alloc(size_t size) {
    return checked(malloc(size), size);
}

void *mem_zero(size_t size) {
    return checked(calloc(1, size), size);
}

void *mem_grow(void *memory, size_t size) {
    return checked(realloc(memory, size), size);
}

void *mem_array(size_t count, size_t size) {
    return checked(calloc(count, size), count > 0 ? size : 0);
}

void *mem_copy(const void *memory, size_t size) {
    void *copy = mem_alloc(size);
    if (size > 0)
        memcpy(copy, memory, size);
    return copy;
}

char *mem_str(struct slice text) {
    char *copy = mem_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

char *mem_printf(const char *format, ...) {
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int r = vasprintf(&text, format, args);
    va_end(args);
    return checked(r < 0 ? NULL : text, 1);
}

void mem_wipe(void *memory, size_t size) {
    if (size > 0)
        explicit_bzero(memory, size);
}
