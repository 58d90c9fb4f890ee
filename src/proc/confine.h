/* SPDX-License-Identifier: ISC */
/*
 * Giving up rights. Each process of the server confines itself before it reads its first byte:
 *
 *     identity   own user and group, no supplementary groups, no capabilities, no new privileges
 *     root       an empty directory, or the one directory that the role owns
 *     Landlock   no files outside that directory, no TCP connections, no signals to others, as far
 *                as the kernel knows these (ABI 1 files, 4 TCP, 6 signals)
 *     seccomp    the system calls that the role needs; any other one ends the process
 *     memory     not dumpable, no core file, no ptrace
 *     master     its end is the end of the process, whatever that is doing
 *
 * Without root the first two are not to be had; the rest still is. A build with sanitizers has no
 * seccomp filter, since their runtime needs other calls. Both are said in `summary`, which
 * `hayauma status` shows.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum confine_right {
    CONFINE_FILES = 1 << 0,   /* open, change and remove files in its directory */
    CONFINE_CONNECT = 1 << 1, /* make outgoing connections, ask DNS servers */
};

struct confine {
    const char *directory; /* becomes root and working directory; absolute */
    bool change_user;      /* we are root and shall not stay it */
    uid_t uid;
    gid_t gid;
    unsigned rights; /* enum confine_right */
};

#define CONFINE_SUMMARY 256

/* All of the above, for good. Negative with a sentence: the process must end. */
int confine_process(const struct confine *c, char summary[static CONFINE_SUMMARY],
                    struct problem *problem);
