/* SPDX-License-Identifier: ISC */
#include "role/reports_page.h"

#include <errno.h>

/* As many as the schema has, so that a page fits into a frame. */
#define REPORTS_PAGE  200U
#define SOURCES_PAGE  400U
#define FAILURES_PAGE 50U

int reports_page(struct kept *kept, const struct rpc_events_reports_in *in, struct arena *a,
                 struct rpc_events_reports_out *out) {
    struct kept_question q = {.since = in->since,
                              .until = in->until,
                              .domain = in->domain,
                              .after = {in->after, in->after_source},
                              .most = REPORTS_PAGE};
    int r = -EINVAL;
    switch (in->list) {
    case REPORT_SOURCES:
        q.most = SOURCES_PAGE;
        r = kept_sources(kept, &q, a, &out->sources, &out->sources_count);
        break;
    case REPORT_REPORTS:
        r = kept_reports(kept, &q, a, &out->reports, &out->reports_count);
        break;
    case REPORT_FAILURES:
        q.most = FAILURES_PAGE;
        r = kept_failures(kept, &q, a, &out->failures, &out->failures_count);
        break;
    case REPORT_BAD:
        r = kept_bads(kept, &q, a, &out->bad, &out->bad_count);
        break;
    default:
        break;
    }
    out->last = q.after.id;
    out->last_source = q.after.source;
    return r;
}
