/* SPDX-License-Identifier: ISC */
/*
 * The event log for commands: asks the events process while the server runs, and reads its file
 * while it does not, with the same results. Reading needs no lock and no settings.
 */
#pragma once

#include "cli/cli.h"
#include "journey/event_log.h"

struct events_access;

int events_access_open(struct cli *c, struct events_access **ret, struct problem *problem) WAITS;
void events_access_close(struct events_access *x);
DEFINE_CLEANUP(struct events_access, events_access_close)

/* True when the server is running: only then there will be news. */
bool events_access_is_remote(const struct events_access *x);

/* The words of the command, and the times between which messages came. */
int access_find_messages(struct events_access *x, const struct event_log_search *search,
                         unsigned limit, struct arena *a, queue_id **ret, size_t *ret_count,
                         struct problem *problem) WAITS;
int access_journey(struct events_access *x, queue_id message, uint64_t after, usec_t wait,
                   struct arena *a, struct event_list *ret, struct problem *problem) WAITS;
int access_log(struct events_access *x, const struct event_log_question *question, struct arena *a,
               struct event_list *ret, struct problem *problem) WAITS;
