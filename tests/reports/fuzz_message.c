/* SPDX-License-Identifier: ISC */
/* Any bytes as a message with reports: at least one thing is told of it, and not too many. */
#include "reports/read.h"
#include "reports/tally.h"

struct told {
    unsigned count;
    struct tally tally;
};

static void on_aggregate(void *arg, const struct aggregate_report *r) {
    struct told *t = arg;
    t->count++;
    (void)tally_add(&t->tally, r);
}
static void on_failure(void *arg, const struct failure_report *r) {
    struct told *t = arg;
    t->count++;
    MUST(r->subject.len <= FAILURE_TEXT_MAX && r->domain.len <= FAILURE_TEXT_MAX);
    MUST(r->arrival >= -62135596800 * USEC_SEC);
}
static void on_bad(void *arg, const struct problem *p) {
    struct told *t = arg;
    t->count++;
    MUST(p->text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct report_sink sink = {on_aggregate, on_failure, on_bad};
    static const struct aggregate_limits limits = {.bytes = 1U << 20, .rows = 100};
    struct told t = {0};
    size_t count = 0;
    report_read(slice_of(data, size), &limits, &sink, &t);
    MUST(t.count >= 1 && t.count <= 51);
    (void)tally_sorted(&t.tally, &count);
    tally_done(&t.tally);
    return 0;
}
