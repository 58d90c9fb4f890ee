/* SPDX-License-Identifier: ISC */
/*
 * What the checking tools want to know about switching stacks, in one place: AddressSanitizer, its
 * leak checker, ThreadSanitizer and valgrind. In a build without them these functions are empty.
 */
#pragma once

#include <stddef.h>

#if defined(__has_feature)
#define FIBER_HAS_FEATURE(x) __has_feature(x)
#else
#define FIBER_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FIBER_HAS_FEATURE(address_sanitizer)
#define FIBER_ASAN 1
#else
#define FIBER_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || FIBER_HAS_FEATURE(thread_sanitizer)
#define FIBER_TSAN 1
#else
#define FIBER_TSAN 0
#endif

/* What a tool keeps for one context. */
struct sanitize_context {
    void *fake_stack;   /* ASan */
    void *tsan_fiber;   /* TSan */
    const void *bottom; /* of the stack; for the scheduler's own one learned at the first switch */
    size_t size;
};

void sanitize_stack_added(char *low, size_t size, unsigned *ret_valgrind_id);
void sanitize_stack_removed(char *low, size_t size, unsigned valgrind_id);
void sanitize_stack_reused(char *low, size_t size);

void sanitize_context_init(struct sanitize_context *c, const void *bottom, size_t size);
void sanitize_context_done(struct sanitize_context *c);

/* Before a switch; `ends`: the context that is left never comes back. */
void sanitize_leave(struct sanitize_context *from, struct sanitize_context *to, int ends);

/* First thing after a switch, on the new stack; `from` is the context that was left. */
void sanitize_arrive(struct sanitize_context *self, struct sanitize_context *from);
