/* SPDX-License-Identifier: ISC */
#include "cli/sender/reports_access.h"

#include <unistd.h>

#include "cli/host/server.h"
#include "role/reports_page.h"

#define REPORTS_DB "reports.db"

int reports_access_open(struct cli *c, struct reports_access *x, struct problem *problem) {
    int r = server_connect_if_running(c, ROLE_EVENTS, &x->link, problem);
    if (r < 0 || x->link)
        return r;
    r = enter_folder(c, "events", &c->users.mail, &x->entered, problem);
    if (r == 0 && access(REPORTS_DB, F_OK) == 0)
        r = kept_open(REPORTS_DB, &x->kept, problem);
    return r;
}

void reports_access_close(struct reports_access *x) {
    kept_close(x->kept);
    leave_folder(&x->entered);
    if (x->link)
        rpc_link_free(x->link);
}

int reports_access_list(struct reports_access *x, const struct rpc_events_reports_in *in,
                        struct arena *a, struct rpc_events_reports_out *ret,
                        struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    if (x->link)
        return call_events_reports(x->link, in, a, ret, problem);
    *ret = (struct rpc_events_reports_out){.sources_count = 0};
    int r = x->kept ? reports_page(x->kept, in, a, ret) : 0;
    return r < 0 ? problem_set(problem, r, "%s: %s", REPORTS_DB, error_words(r)) : 0;
}
