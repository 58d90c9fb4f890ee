/* SPDX-License-Identifier: ISC */
/* The answer of events.reports, for the events role and for a command while nothing runs. Blocks.
 */
#pragma once

#include "reports/kept.h"
#include "rpc/calls.h"

/* 0, -EINVAL (no such list), or an error of the database. */
int reports_page(struct kept *kept, const struct rpc_events_reports_in *in, struct arena *a,
                 struct rpc_events_reports_out *out);
