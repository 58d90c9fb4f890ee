/* SPDX-License-Identifier: ISC */
#include "fiber/context.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"

#if defined(FIBER_UCONTEXT)

void context_make(struct context *c, void *stack, size_t size, void (*entry)(void)) {
    MUST(getcontext(&c->ucontext) == 0);
    c->ucontext.uc_stack.ss_sp = stack;
    c->ucontext.uc_stack.ss_size = size;
    c->ucontext.uc_link = NULL;
    makecontext(&c->ucontext, entry, 0);
}

void context_switch(struct context *from, struct context *to) {
    MUST(swapcontext(&from->ucontext, &to->ucontext) == 0);
}

void *context_sp(const struct context *c) {
#if defined(__x86_64__)
    return (void *)c->ucontext.uc_mcontext.gregs[REG_RSP];
#else
    return c->ucontext.uc_stack.ss_sp; /* unknown here: the whole stack counts as used */
#endif
}

#else

/* The frame that fiber_context_switch leaves behind, lowest address first (switch_*.S). */
#if defined(__x86_64__)
struct frame {
    void *r15, *r14, *r13, *r12, *rbx, *rbp;
    void (*go_on)(void) WAITS;
    void *return_address; /* zero: the unwinder stops here */
};
#elif defined(__aarch64__)
struct frame {
    double d8_to_d15[8];
    void *x19_to_x28[10];
    void *frame_pointer;
    void (*go_on)(void) WAITS;
};
#endif

void fiber_context_switch(void **save_sp, void *load_sp);

void context_make(struct context *c, void *stack, size_t size, void (*entry)(void)) {
    uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
    struct frame *frame = (struct frame *)(top - sizeof(struct frame));
    memset(frame, 0, sizeof *frame);
    frame->go_on = entry;
    c->sp = frame;
}

void context_switch(struct context *from, struct context *to) {
    fiber_context_switch(&from->sp, to->sp);
}

void *context_sp(const struct context *c) {
    return c->sp;
}

#endif
