/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of a process (proc(5)).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Memory in bytes: the proportional set size where it may be read, else the resident size. */
uint64_t proc_memory(pid_t pid);

/* Whether a debugger, or strace, has attached itself to it. */
bool proc_is_traced(pid_t pid);
