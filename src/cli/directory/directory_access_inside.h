/* SPDX-License-Identifier: ISC */
/* For directory_access*.c only. */
#pragma once

#include "cli/directory/directory_access.h"
#include "cli/terminal/enter.h"
#include "rpc/calls.h"

#define BULK_PATIENCE (15 * USEC_MIN)

struct directory_access {
    struct rpc_link *link; /* or */
    struct directory *directory;
    struct entered entered;
    int lock;
    struct slice hint;  /* of the user, for the history; or */
    struct order order; /* the same for the directory opened here */
    usec_t removed_keep;
};
