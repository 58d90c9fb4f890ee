/* SPDX-License-Identifier: ISC */
/*
 * A pread() and an fstatat() for the whole test program that fail when they are told to.
 */
#pragma once

#include <sys/types.h>

/* Bytes of one file that cannot be read. */
struct bad_read {
    ino_t file; /* 0: none */
    off_t from, to;
    int error;
    unsigned times; /* so many reads fail; 0: all */
};
extern struct bad_read bad_read;
extern int bad_stat; /* fstatat() fails with it; 0: it works */

/* The bytes from..to of the file at `path` fail with EIO from now on. */
void bad_read_set(const char *path, off_t from, off_t to);
