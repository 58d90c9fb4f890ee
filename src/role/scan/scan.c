/* SPDX-License-Identifier: ISC */
/*
 * The scan role: it reads what strangers have written, so it has no files and no connections of its
 * own. It asks the resolver, and what it says of a message is all that comes of it.
 */
#include "role/scan/scan.h"

#include "base/alloc.h"
#include "role/roles.h"

static int open_scan(struct process *p, struct problem *problem) {
    (void)problem;
    p->state = NEW(struct scan);
    return 0;
}

static uint64_t messages(struct process *p) {
    return ((struct scan *)p->state)->judging;
}

static const struct rpc_scan_handlers handlers = {.judge = scan_on_judge};

const struct process_work role_scan = {
    .handlers = &handlers,
    .open = open_scan,
    .sessions = messages,
};
