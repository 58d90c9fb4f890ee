/* SPDX-License-Identifier: ISC */
/*
 * Once a day, reports to the domains that want them of what came here in their name (DMARC
 * aggregate reports, RFC 9990). The events role has counted, the scan role finds where they may go;
 * here they become messages.
 *
 * They have the null sender, so that nobody answers a report with a bounce, and come from the
 * postmaster of the host name, if its domain asks for no reports itself: two hosts never report to
 * each other about reports. One that another host refuses is not sent there again for seven days
 * (reports/seen.h).
 */
#pragma once

#include "proc/process.h"
#include "queue/queue.h"

struct queue_reports {
    struct process *process;
    struct queue *queue;
};

/* A fiber_fn, with a struct queue_reports that lives as long as the process. */
void queue_reports_work(void *reports) WAITS;
