/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a file with an aggregate report: it is one or says why not, within its bounds; and
 * one that is written of it is read again with the same rows.
 */
#include "reports/aggregate.h"

static const struct aggregate_limits limits = {.bytes = 1U << 20, .rows = 100};

static void check_again(const struct aggregate_report *report) {
    struct arena a = {0};
    struct buf text = {0};
    struct aggregate_report again;
    aggregate_write(&text, report);
    MUST(aggregate_read(buf_slice(&text), &limits, &a, &again, NULL) == 0);
    MUST(again.row_count == report->row_count);
    const struct aggregate_row *x = report->rows, *y = again.rows;
    for (; x && y; x = x->next, y = y->next)
        MUST(x->count == y->count && x->dkim == y->dkim && x->spf == y->spf &&
             x->disposition == y->disposition && x->auth_count == y->auth_count);
    buf_done(&text);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = {0};
    struct aggregate_report report;
    struct problem problem = {0};
    int r = aggregate_read(slice_of(data, size), &limits, &a, &report, &problem);
    if (r < 0) {
        MUST((r == -E_SYNTAX || r == -E_LIMIT) && problem.text[0] != '\0');
    } else {
        MUST(report.row_count <= limits.rows && report.domain.len > 0);
        for (const struct aggregate_row *row = report.rows; row; row = row->next) {
            MUST(row->auth_count <= AGGREGATE_AUTH_MAX && row->source.len <= AGGREGATE_TEXT_MAX);
            (void)aggregate_passed(&report, row);
        }
        check_again(&report);
    }
    arena_done(&a);
    return 0;
}
