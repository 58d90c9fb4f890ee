/* SPDX-License-Identifier: ISC */
#include "cli/role_access.h"

#include "role/author.h"

void role_access_init(struct cli *c, struct role_access *x) {
    *x = (struct role_access){.entered = ENTERED_NONE, .lock = -1, .hint = author_hint(c->arena)};
    x->by = author_text(getuid(), x->hint, c->arena);
}

void role_access_done(struct role_access *x) {
    leave_folder(&x->entered);
    event_log_free(x->events);
    if (x->lock >= 0)
        (void)close(x->lock);
    rpc_link_free(x->link);
}

void role_access_hold_events(struct role_access *x, size_t memory_max) {
    x->events =
        event_log_new(&(struct event_log_options){.path = "events.db", .memory_max = memory_max});
}

int role_access_report(struct cli *c, struct role_access *x, struct problem *problem) {
    struct event_log_stats stats = {0};
    leave_folder(&x->entered);
    if (x->events)
        event_log_stats(x->events, &stats);
    if (stats.added == 0)
        return 0;
    int r = enter_folder(c, "events", &c->users.mail, &x->entered, problem);
    return r < 0 ? r : event_log_write_all(x->events, problem);
}
