/* SPDX-License-Identifier: ISC */
/*
 * The machine's part of a fiber: a stack and a place to go on. Inside the fiber floor only.
 *
 * context_switch() keeps the registers that the platform's calling convention says a call keeps;
 * signal masks and floating-point modes are those of the thread. On x86_64 and aarch64 it is a few
 * instructions of assembly (switch_*.S), elsewhere or with -Dcontext=ucontext it is swapcontext(3).
 */
#pragma once

#include "base/macro.h"
#include <stddef.h>

#if defined(FIBER_UCONTEXT)
#include <ucontext.h>
struct context {
    ucontext_t ucontext;
};
#else
struct context {
    void *sp; /* everything else is on the stack */
};
#endif

/* Makes a context that runs `entry` on the stack; entry never returns. */
void context_make(struct context *c, void *stack, size_t size, void (*entry)(void) WAITS);

/* Leaves the running context in `from` and goes on with `to`. */
void context_switch(struct context *from, struct context *to);

/* Lowest address that the parked context still uses. */
void *context_sp(const struct context *c);
