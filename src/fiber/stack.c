/* SPDX-License-Identifier: ISC */
#include "fiber/stack.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "fiber/sanitize.h"

#define KEPT      16U   /* free stacks that are never unmapped */
#define FREE_MAX  2048U /* more are unmapped at once */
#define TIDY_MOST 256U  /* unmapped in one go, which takes a few milliseconds then */

/* At the top of a free stack, where the fiber was. */
struct free_stack {
    struct free_stack *next;
    struct stack stack;
};

static size_t page(void) {
    static size_t size;
    if (size == 0)
        size = (size_t)sysconf(_SC_PAGESIZE);
    return size;
}

/* ------------------------------------------------------------------ making, unmapping */

static int map(struct stack *ret) {
    size_t guard = page();
    char *memory = mmap(NULL, guard + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    if (mprotect(memory, guard, PROT_NONE) < 0) { /* vm.max_map_count is used up */
        (void)munmap(memory, guard + STACK_SIZE);
        return -ENOMEM;
    }
    *ret = (struct stack){.low = memory + guard};
    sanitize_stack_added(ret->low, STACK_SIZE, &ret->valgrind_id);
    return 0;
}

static void unmap(struct stack s) {
    sanitize_stack_removed(s.low, STACK_SIZE, s.valgrind_id);
    (void)munmap(s.low - page(), page() + STACK_SIZE);
}

/* ------------------------------------------------------------------ the pool */

static struct stack take_free(struct stack_pool *p) {
    struct free_stack *f = p->free;
    struct stack s = f->stack;
    p->free = f->next;
    p->free_count--;
    if (p->free_count < p->unused)
        p->unused = p->free_count;
    return s;
}

int stack_get(struct stack_pool *p, struct stack *ret) {
    int r = 0;
    if (p->free_count > 0)
        *ret = take_free(p);
    else
        r = map(ret);
    p->in_use += r == 0;
    return r;
}

void stack_put(struct stack_pool *p, struct stack s) {
    p->in_use--;
    if (p->free_count >= FREE_MAX) {
        unmap(s);
        return;
    }
    sanitize_stack_reused(s.low, STACK_SIZE);
    struct free_stack *f =
        (struct free_stack *)(void *)(s.low + STACK_SIZE - ((sizeof *f + 63) & ~(size_t)63));
    *f = (struct free_stack){p->free, s};
    p->free = f;
    p->free_count++;
}

bool stack_pool_is_untidy(const struct stack_pool *p) {
    return p->free_count > KEPT;
}

void stack_pool_tidy(struct stack_pool *p) {
    unsigned most = TIDY_MOST;
    for (; p->unused > KEPT && most > 0; most--)
        unmap(take_free(p));
    p->unused = p->free_count;
}

void stack_pool_done(struct stack_pool *p) {
    while (p->free_count > 0)
        unmap(take_free(p));
}

void stack_trim(const struct stack *s, const void *sp) {
    uintptr_t low = (uintptr_t)s->low;
    uintptr_t used = (uintptr_t)sp & ~((uintptr_t)page() - 1);
    if (used > low && used <= low + STACK_SIZE)
        (void)madvise(s->low, used - low, MADV_DONTNEED);
}
