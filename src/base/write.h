/* SPDX-License-Identifier: ISC */
/*
 * Writing to a file until all is written. A signal that interrupts is nothing; both may block, so a
 * fiber calls them by way of offload(). Nothing is synced.
 */
#pragma once

#include "base/slice.h"

/* From where `fd` stands. 0 or a negative errno; part of the bytes may be there then. */
int write_whole(int fd, struct slice bytes);

/* The same at `offset`, wherever `fd` stands. */
int write_exactly(int fd, struct slice bytes, uint64_t offset);
