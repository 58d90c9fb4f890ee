/* SPDX-License-Identifier: ISC */
/*
 * Setting up libunbound, for resolver.c only.
 */
#pragma once

#include <unbound.h>

#include "dns/resolver.h"

#define DNS_CLASS_IN 1

/*
 * Makes a context with its thread running. The caller deletes it. On failure the problem names the
 * setting that is to blame.
 */
int library_open(const struct resolver_options *options, struct ub_ctx **ret,
                 struct problem *problem);
