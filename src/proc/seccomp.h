/* SPDX-License-Identifier: ISC */
/*
 * The system call filter. Inside the proc floor only.
 */
#pragma once

#include "proc/confine.h"

/* Installs it for all threads. *ret_active is false in a build with sanitizers. */
int seccomp_install(unsigned rights, bool *ret_active, struct problem *problem);
