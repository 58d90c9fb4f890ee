/* SPDX-License-Identifier: ISC */
/*
 * Aggregate reports added up: for each policy domain and each source how many messages were seen,
 * and what became of them. A report that comes twice counts once (RFC 9990 §3.6). Pure.
 */
#pragma once

#include "base/map.h"
#include "reports/aggregate.h"

/* Begins as the zero value. */
struct tally {
    struct arena arena;
    struct map rows; /* of struct tally_row, by domain and source */
    struct map seen; /* reports, by who has made them and their ids */
};

void tally_done(struct tally *t);

/* False: it has been there. */
bool tally_add(struct tally *t, const struct aggregate_report *report);

/* A row that is a sum already; its texts are copied. */
void tally_add_row(struct tally *t, const struct tally_row *row);

/* By domain, within it the source of most messages first. The array is the arena's. */
const struct tally_row *tally_sorted(struct tally *t, size_t *ret_count);
