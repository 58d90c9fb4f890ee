/* SPDX-License-Identifier: ISC */
/* The reports that were kept: by the events process, or while nothing runs by its file. */
#pragma once

#include "cli/cli.h"
#include "cli/terminal/enter.h"
#include "reports/kept.h"
#include "rpc/calls.h"

struct reports_access {
    struct rpc_link *link; /* or */
    struct kept *kept;     /* NULL: there is no file yet */
    struct entered entered;
};

#define REPORTS_ACCESS_NONE                                                                        \
    { .entered = ENTERED_NONE }

int reports_access_open(struct cli *c, struct reports_access *x, struct problem *problem) WAITS;
void reports_access_close(struct reports_access *x);

/* A page, as the call events.reports gives it. */
int reports_access_list(struct reports_access *x, const struct rpc_events_reports_in *in,
                        struct arena *a, struct rpc_events_reports_out *ret,
                        struct problem *problem) WAITS;
