/* SPDX-License-Identifier: ISC */
/*
 * Stacks of fibers: 64 KiB with a guard page below, taken from a small pool. Inside the fiber floor
 * only. The sanitizers, the leak checker and valgrind are told about each one.
 */
#pragma once

#include "base/list.h"

#define STACK_SIZE ((size_t)64 * 1024)

/* In front of the pool; the memory of a stack starts at `low`. */
struct stack {
    char *low;
    unsigned valgrind_id;
};

struct stack_pool {
    struct stack free[64];
    unsigned free_count;
    unsigned in_use;
};

int stack_get(struct stack_pool *p, struct stack *ret); /* 0 or -ENOMEM */
void stack_put(struct stack_pool *p, struct stack s);
void stack_pool_done(struct stack_pool *p);

/* Gives the pages below `sp` back to the system; they come again as zeroes when touched. */
void stack_trim(const struct stack *s, const void *sp);
