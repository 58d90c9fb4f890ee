/* SPDX-License-Identifier: ISC */
/* The messages that a verb is about: a set of UIDs, and their entries piece by piece. */
#pragma once

#include "store/account.h"

#define SELECTION_PIECE 1024U /* entries in a record; handled within 1 ms */

struct selection {
    uint32_t *uids; /* ascending, each once */
    size_t count;
    size_t at; /* the next one */
};

int selection_init(struct selection *s, const uint32_t *uids, size_t count) WAITS;
void selection_done(struct selection *s);
DEFINE_CLEANUP(struct selection, selection_done)

/*
 * The next entries that are there: a copy in the group's arena, at most SELECTION_PIECE. 0: there
 * are no more. Lets other fibers run between pieces; the mailbox is loaded, and stays so.
 */
size_t selection_next(struct selection *s, const struct mailbox *m, struct group *g,
                      struct store_entry **ret_entries) WAITS;
