/* SPDX-License-Identifier: ISC */
#include "fiber/sanitize.h"

#if FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined(HAVE_VALGRIND)
#include <valgrind/valgrind.h>
#endif

void sanitize_stack_added(char *low, size_t size, unsigned *ret_valgrind_id) {
    *ret_valgrind_id = 0;
#if FIBER_ASAN
    __lsan_register_root_region(low, size);
#endif
#if defined(HAVE_VALGRIND)
    *ret_valgrind_id = (unsigned)VALGRIND_STACK_REGISTER(low, low + size);
#endif
    (void)low;
    (void)size;
}

void sanitize_stack_removed(char *low, size_t size, unsigned valgrind_id) {
    sanitize_stack_reused(low, size);
#if FIBER_ASAN
    __lsan_unregister_root_region(low, size);
#endif
#if defined(HAVE_VALGRIND)
    VALGRIND_STACK_DEREGISTER(valgrind_id);
#endif
    (void)valgrind_id;
}

void sanitize_stack_reused(char *low, size_t size) {
#if FIBER_ASAN
    __asan_unpoison_memory_region(low, size);
#endif
    (void)low;
    (void)size;
}

void sanitize_context_init(struct sanitize_context *c, const void *bottom, size_t size) {
    *c = (struct sanitize_context){.bottom = bottom, .size = size};
#if FIBER_TSAN
    c->tsan_fiber = bottom ? __tsan_create_fiber(0) : __tsan_get_current_fiber();
#endif
}

void sanitize_context_done(struct sanitize_context *c) {
#if FIBER_TSAN
    __tsan_destroy_fiber(c->tsan_fiber);
#endif
    (void)c;
}

void sanitize_leave(struct sanitize_context *from, struct sanitize_context *to, int ends) {
#if FIBER_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->bottom, to->size);
#endif
#if FIBER_TSAN
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
    (void)from;
    (void)to;
    (void)ends;
}

void sanitize_arrive(struct sanitize_context *self, struct sanitize_context *from) {
#if FIBER_ASAN
    const void *bottom = NULL;
    size_t size = 0;
    __sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
    if (!from->bottom) {
        from->bottom = bottom;
        from->size = size;
    }
#endif
    (void)self;
    (void)from;
}
