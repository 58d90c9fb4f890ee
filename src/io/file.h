/* SPDX-License-Identifier: ISC */
/*
 * Reading a file from a fiber.
 */
#pragma once

#include "base/slice.h"

/*
 * Reads at most `size` bytes at `offset`: what the page cache has at once, the rest by a thread.
 * How many there are, which may be fewer than asked for; 0: the file ends there; or a negative
 * errno.
 */
int file_read(int file, uint64_t offset, void *to, size_t size) WAITS;
