/* SPDX-License-Identifier: ISC */
/*
 * Small compile-time helpers used by every floor.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

/* The object of which `ptr` points at member `member`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK             __attribute__((warn_unused_result))
#define NORETURN               __attribute__((noreturn))
#define UNUSED                 __attribute__((unused))

/*
 * Marks a function that may let other fibers run before it returns. After such a call every
 * pointer into state shared with other fibers has to be looked up again. Stands in the header, or
 * where a static function is defined; behind the name of a pointer (member, parameter, variable,
 * typedef) it says that the function in it may wait. No effect on the code: scripts/check-calls
 * reads it.
 */
#ifdef CHECK_WAITS
#define WAITS __attribute__((annotate("waits")))
#else
#define WAITS
#endif

/*
 * A local that owns something cleans itself up: `_cleanup_(buf_done) struct buf b = {0};`.
 * The cleaning function gets the address of the local and accepts the zero value.
 */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Hands ownership out of a _cleanup_ local: yields the pointer and leaves NULL behind. */
#define TAKE_PTR(ptr)                                                                              \
    ({                                                                                             \
        __typeof__(ptr) *take_from_ = &(ptr);                                                      \
        __typeof__(ptr) taken_ = *take_from_;                                                      \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

/* The same for a file descriptor: leaves -1 behind. */
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *take_from_ = &(fd);                                                                   \
        int taken_ = *take_from_;                                                                  \
        *take_from_ = -1;                                                                          \
        taken_;                                                                                    \
    })

/* Makes `void free_fn_p(type **)` for _cleanup_ out of `void free_fn(type *)`; a third argument is
 * WAITS when that one waits. */
#define DEFINE_CLEANUP(type, free_fn, ...)                                                         \
    static inline void free_fn##_p(type **p) __VA_ARGS__ {                                         \
        if (*p)                                                                                    \
            free_fn(*p);                                                                           \
    }

static inline void free_p(void *p) {
    void **memory = p;
    free(*memory);
    *memory = NULL;
}

/* Closes a descriptor held in a _cleanup_ local; a negative one is nobody's. */
static inline void close_p(int *fd) {
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}
