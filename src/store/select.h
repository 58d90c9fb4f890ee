/* SPDX-License-Identifier: ISC */
/* The messages that a change is about: a set of UIDs, and their entries piece by piece. */
#pragma once

#include "store/account.h"

#define SELECTION_PIECE 1024U  /* entries in a record; handled within 1 ms */
#define SETS_PIECE      32768U /* bytes of sets of keywords; the same */

struct selection {
    struct mailbox *mailbox;
    uint32_t *uids; /* ascending, each once */
    size_t count;
    size_t at; /* the next one */
};

/*
 * Runs a change of these messages: its prepare() finds the mailbox loaded, and the UIDs in the
 * selection.
 */
int selection_run(struct selection *s, struct store_account *a, uint32_t mailbox,
                  const uint32_t *uids, size_t count, struct change *c) WAITS;

/*
 * The next entries that are there: a copy in the group's arena, at most SELECTION_PIECE. 0: there
 * are no more. Lets other fibers run between pieces; the mailbox is loaded, and stays so.
 */
size_t selection_next(struct selection *s, struct group *g, struct store_entry **ret_entries) WAITS;

/* ------------------------------------------------------------------ keywords of a record */

/* The sets of the entries of a record, each once: lines as in record.h. */
struct set_lines {
    struct buf text;
    uint32_t count;
    struct set_line *known; /* by the number of the set in its mailbox; in an arena */
};
struct set_line {
    uint32_t set, line;
    bool is_known, other; /* `other`: the text is not that of the set */
};

/*
 * The place for the line of a set. If it is not known yet its text is to be added to `text` and
 * given to set_lines_end().
 */
struct set_line *set_lines_find(struct set_lines *l, struct arena *a, uint32_t set);
void set_lines_end(struct set_lines *l, struct set_line *line, size_t begin);

/* The text in the arena; the lines are done. */
struct slice set_lines_done(struct set_lines *l, struct arena *a);
