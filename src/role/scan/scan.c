/* SPDX-License-Identifier: ISC */
/*
 * The scan role: it reads what strangers have written, so it has no files and no connections of its
 * own. It asks the resolver, and what it says of a message is all that comes of it.
 */
#include "role/scan/scan.h"

#include "base/alloc.h"
#include "role/roles.h"

static int open_scan(struct process *p, struct problem *problem) {
    struct scan *scan = NEW(struct scan);
    (void)problem;
    scan->recent = recent_answers_new();
    scan->patience = patience_new();
    fiber_mutex_init(&scan->reporting);
    p->state = scan;
    return 0;
}

static uint64_t messages(struct process *p) {
    return ((struct scan *)p->state)->judging;
}

static int on_count_failure(void *arg, const struct rpc_caller *caller,
                            const struct rpc_scan_count_failure_in *in, struct arena *a,
                            struct rpc_scan_count_failure_out *out, struct problem *problem) {
    struct scan *scan = ((struct process *)arg)->state;
    (void)caller;
    (void)a;
    (void)problem;
    out->over = patience_is_over(scan->patience, in->domain, fiber_now());
    return 0;
}

static const struct rpc_scan_handlers handlers = {
    .judge = scan_on_judge,
    .count_failure = on_count_failure,
    .sign = scan_on_sign,
    .report_destinations = scan_on_report_destinations,
};

const struct process_work role_scan = {
    .handlers = &handlers,
    .open = open_scan,
    .sessions = messages,
};
