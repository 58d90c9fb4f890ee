/* SPDX-License-Identifier: ISC */
/*
 * How a process deals with the heap.
 */
#pragma once

#include "fiber/fiber.h"

/* Settings of malloc(3), before the first thread. */
void memory_tune(void);

/*
 * All threads share one arena: for a role whose threads make what stays. Each of the others would
 * grow by a page at a time, with a system call for each. Before the first thread.
 */
void memory_one_arena(void);

/* A fiber's function: gives pages of the heap that are free back to the system, now and then. */
void memory_give_back(void *nothing) WAITS;
