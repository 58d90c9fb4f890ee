/* SPDX-License-Identifier: ISC */
/*
 * The ledger for commands: asks the ledger process while the server runs, and reads its file
 * while it does not, with the same results. Reading needs no lock and no settings.
 */
#pragma once

#include "cli/cli.h"
#include "journey/ledger.h"

struct ledger_access;

int ledger_access_open(struct cli *c, struct ledger_access **ret, struct problem *problem) WAITS;
void ledger_access_close(struct ledger_access *x) WAITS;
DEFINE_CLEANUP(struct ledger_access, ledger_access_close)

/* True when the server is running: only then there will be news. */
bool ledger_access_is_remote(const struct ledger_access *x);

/* The words of the command, and the times between which messages came. */
int access_find_messages(struct ledger_access *x, const struct ledger_search *search,
                         unsigned limit, struct arena *a, queue_id **ret, size_t *ret_count,
                         struct problem *problem) WAITS;
int access_journey(struct ledger_access *x, queue_id message, uint64_t after, usec_t wait,
                   struct arena *a, struct ledger_events *ret, struct problem *problem) WAITS;
int access_log(struct ledger_access *x, const struct ledger_question *question, struct arena *a,
               struct ledger_events *ret, struct problem *problem) WAITS;
