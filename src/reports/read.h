/* SPDX-License-Identifier: ISC */
/*
 * All reports of DMARC in a file that somebody has kept: a message with one or several of them, or
 * a report by itself (XML, gzip, zip). Pure.
 */
#pragma once

#include "reports/aggregate.h"
#include "reports/failure.h"

/* What is given stands until the function returns. One that is bad hides no other. */
struct report_sink {
    void (*aggregate)(void *arg, const struct aggregate_report *report);
    void (*failure)(void *arg, const struct failure_report *report);
    void (*bad)(void *arg, const struct problem *problem);
};

/* Gives at least one of the three: "there is no report in it" is bad, too. */
void report_read(struct slice bytes, const struct aggregate_limits *limits,
                 const struct report_sink *sink, void *arg);
