/* SPDX-License-Identifier: ISC */
#include "reports/read.h"

#include "base/words.h"
#include "reports/open.h"
#include "reports/parts.h"

#define REPORTS_MAX 50U /* in one message */

struct reading {
    const struct aggregate_limits *limits;
    const struct report_sink *sink;
    void *arg;
    unsigned count;
    struct arena arena;

    /* A failure report, until it is known what it is about. */
    bool pending;
    struct failure_report failure;
};

static void read_file(struct reading *r, struct slice file) {
    struct problem problem = {0};
    struct aggregate_report report;
    if (aggregate_read(file, r->limits, &r->arena, &report, &problem) < 0)
        r->sink->bad(r->arg, &problem);
    else
        r->sink->aggregate(r->arg, &report);
    arena_reset(&r->arena);
}

static void end_failure(struct reading *r) {
    if (!r->pending)
        return;
    r->sink->failure(r->arg, &r->failure);
    r->pending = false;
    arena_reset(&r->arena);
}

static void on_part(void *arg, enum report_part part, struct slice bytes) {
    struct reading *r = arg;
    struct problem problem = {0};
    if (part == REPORT_PART_ORIGINAL) {
        if (r->pending)
            failure_add_original(&r->failure, bytes, &r->arena);
        end_failure(r);
        return;
    }
    end_failure(r);
    if (++r->count > REPORTS_MAX)
        return;
    if (part == REPORT_PART_FILE) {
        read_file(r, bytes);
        return;
    }
    r->pending = failure_read(bytes, &r->arena, &r->failure, &problem) == 0;
    if (!r->pending)
        r->sink->bad(r->arg, &problem);
}

void report_read(struct slice bytes, const struct aggregate_limits *limits,
                 const struct report_sink *sink, void *arg) {
    struct reading r = {.limits = limits, .sink = sink, .arg = arg};
    struct problem problem = {0};
    if (report_wrapping_of(bytes) != REPORT_PLAIN || slice_starts(report_begin(bytes), S("<"))) {
        r.count = 1;
        read_file(&r, bytes);
    } else {
        report_parts(bytes, limits->bytes, on_part, &r);
        end_failure(&r);
    }
    if (r.count == 0 || r.count > REPORTS_MAX) {
        (void)problem_set(&problem, -E_SYNTAX,
                          r.count == 0 ? N_("there is no report in it")
                                       : N_("there are more than 50 reports in it"));
        sink->bad(arg, &problem);
    }
    arena_done(&r.arena);
}
