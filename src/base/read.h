/* SPDX-License-Identifier: ISC */
/*
 * Reading a file to the last byte wanted. A signal that interrupts is nothing; both may block, so a
 * fiber calls them by way of offload().
 */
#pragma once

#include "base/buf.h"

/* All `len` bytes at `offset`. 0, a negative errno, or -E_EOF when the file ends before. */
int read_exactly(int fd, void *to, size_t len, uint64_t offset);

/* From where `fd` stands to its end, added to `to`. 0, a negative errno, or -E_LIMIT as soon as
 * `to` has more than `most` bytes. */
int read_to_end(int fd, struct buf *to, size_t most);
