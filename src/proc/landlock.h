/* SPDX-License-Identifier: ISC */
/*
 * Landlock rules. Inside the proc floor only.
 */
#pragma once

#include "proc/confine.h"

/*
 * Restricts the calling thread (and those it will start) to files below the working directory, or
 * to none. *ret_abi is what the kernel offers; 0: it has no Landlock, nothing was done.
 */
int landlock_install(unsigned rights, int *ret_abi, struct problem *problem);
