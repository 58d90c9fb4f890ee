/* SPDX-License-Identifier: ISC */
/*
 * Inside the events role: reports.db, with what other hosts report and what is to be reported to
 * them (reports/kept.h, seen.h). A file that is damaged is renamed (reports.db.damaged) and a new
 * one begun: mail never waits for it.
 */
#pragma once

#include "proc/process.h"

struct events_reports;

struct events_reports *events_reports_new(struct process *p);

/* Begins to write what was seen. 0 or -ENOMEM. */
int events_reports_start(struct events_reports *e);

/* Writes the last of it. */
void events_reports_stop(struct events_reports *e) WAITS;

/* A message cannot be delivered: if it was a report of ours, its destination has its rest. */
void events_reports_failed(struct events_reports *e, uint64_t message);

/* Answers of calls; never waits for the first one. */
void events_reports_seen(struct events_reports *e, const struct seen_message *message);
int events_reports_keep(struct events_reports *e, const struct rpc_events_reported_in *in,
                        struct problem *problem) WAITS;
int events_reports_keep_failure(struct events_reports *e, const struct failure_report *report,
                                struct problem *problem) WAITS;
int events_reports_keep_bad(struct events_reports *e, const struct kept_bad *bad,
                            struct problem *problem) WAITS;
int events_reports_list(struct events_reports *e, const struct rpc_events_reports_in *in,
                        struct arena *a, struct rpc_events_reports_out *out,
                        struct problem *problem) WAITS;
int events_reports_take(struct events_reports *e, int64_t today, struct arena *a,
                        struct rpc_events_take_report_out *out, struct problem *problem) WAITS;
int events_reports_send(struct events_reports *e, const struct rpc_events_send_report_in *in,
                        bool *ret_go, struct problem *problem) WAITS;
