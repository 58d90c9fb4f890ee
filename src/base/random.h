/* SPDX-License-Identifier: ISC */
/*
 * Random numbers of the kernel. random_fix() replaces them by a sequence from a seed, so that a
 * simulated run can be repeated; it is for tests and panics in a process that is confined.
 */
#pragma once

#include "base/macro.h"

void random_bytes(void *to, size_t len);
uint64_t random_u64(void);
uint64_t random_below(uint64_t bound); /* even over 0 .. bound-1; bound > 0 */
void random_fix(uint64_t seed);
