/* SPDX-License-Identifier: ISC */
/*
 * What init prints when all is made: what there is now, and what to do next.
 */
#pragma once

#include "cli/cli.h"

#define INIT_CERTIFICATE_DAYS 825 /* more is refused by some mail programs */

/* The domains are at least one, as DNS has them. */
void init_print(struct cli *c, const struct slice *domains, size_t count);
