/* SPDX-License-Identifier: ISC */
/*
 * Stacks of fibers: 64 KiB with a guard page below, taken from a pool. Inside the fiber floor only.
 * The sanitizers, the leak checker and valgrind are told about each one.
 */
#pragma once

#include "base/list.h"

#define STACK_SIZE ((size_t)64 * 1024)

/* The memory of a stack starts at `low`. */
struct stack {
    char *low;
    unsigned valgrind_id;
};

struct free_stack;

/*
 * The pool keeps as many stacks as were needed lately: making one and unmapping it costs three
 * system calls, which a burst of short fibers would pay for each of them.
 */
struct stack_pool {
    struct free_stack *free; /* the latest first: its pages are warm */
    unsigned free_count;
    unsigned unused; /* so many were free all the time since the pool was tidied */
    unsigned in_use;
};

int stack_get(struct stack_pool *p, struct stack *ret); /* 0 or -ENOMEM */
void stack_put(struct stack_pool *p, struct stack s);
void stack_pool_done(struct stack_pool *p);

/* To be called about once a second while it is due: unmaps stacks that nobody has needed. */
void stack_pool_tidy(struct stack_pool *p);
bool stack_pool_is_untidy(const struct stack_pool *p);

/* Gives the pages below `sp` back to the system; they come again as zeroes when touched. */
void stack_trim(const struct stack *s, const void *sp);
