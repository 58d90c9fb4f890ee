/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of a process (proc(5)).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

/* Memory in bytes: the proportional set size where it may be read, else the resident size. */
uint64_t proc_memory(pid_t pid);

/*
 * The service unit of systemd that the process belongs to ("hayauma.service"); false: none. The
 * second reads it from the text of /proc/PID/cgroup (cgroups(7)).
 */
#define PROC_UNIT_SIZE 256U
bool proc_unit(pid_t pid, char ret[static PROC_UNIT_SIZE]);
bool proc_unit_read(struct slice cgroup, char ret[static PROC_UNIT_SIZE]);

/* Whether a debugger, or strace, has attached itself to it. */
bool proc_is_traced(pid_t pid);
