/* SPDX-License-Identifier: ISC */
#include "fiber/stack.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "fiber/sanitize.h"

#define GUARD ((size_t)4096)
#define PAGE  ((uintptr_t)4096)

int stack_get(struct stack_pool *p, struct stack *ret) {
    if (p->free_count > 0) {
        *ret = p->free[--p->free_count];
        p->in_use++;
        return 0;
    }
    char *memory = mmap(NULL, GUARD + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    if (mprotect(memory, GUARD, PROT_NONE) < 0) { /* vm.max_map_count is used up */
        (void)munmap(memory, GUARD + STACK_SIZE);
        return -ENOMEM;
    }
    *ret = (struct stack){.low = memory + GUARD};
    sanitize_stack_added(ret->low, STACK_SIZE, &ret->valgrind_id);
    p->in_use++;
    return 0;
}

static void unmap(struct stack s) {
    sanitize_stack_removed(s.low, STACK_SIZE, s.valgrind_id);
    (void)munmap(s.low - GUARD, GUARD + STACK_SIZE);
}

void stack_put(struct stack_pool *p, struct stack s) {
    p->in_use--;
    if (p->free_count < ARRAY_SIZE(p->free)) {
        sanitize_stack_reused(s.low, STACK_SIZE);
        p->free[p->free_count++] = s;
    } else {
        unmap(s);
    }
}

void stack_pool_done(struct stack_pool *p) {
    while (p->free_count > 0)
        unmap(p->free[--p->free_count]);
}

void stack_trim(const struct stack *s, const void *sp) {
    uintptr_t low = (uintptr_t)s->low;
    uintptr_t used = (uintptr_t)sp & ~(PAGE - 1);
    if (used > low && used <= low + STACK_SIZE)
        (void)madvise(s->low, used - low, MADV_DONTNEED);
}
