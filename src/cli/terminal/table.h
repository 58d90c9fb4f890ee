/* SPDX-License-Identifier: ISC */
/*
 * Tables for people: columns aligned by display width, two spaces between them, one line for each
 * row whatever stands in it. Pure.
 *
 * On a terminal lines have its width: columns that can be done without are left out, the highest
 * rank first, then what shrinks is cut. What a next command needs, an address or id, has neither
 * rank nor shrinks and stays whole.
 *
 *     struct table t = {.columns = columns, .count = ARRAY_SIZE(columns), .width = 80};
 *     table_text(&t, address);
 *     table_word(&t, _("on hold"));
 *     table_printf(&t, "%u", messages);
 *     table_write(&t, to);
 *     table_end(&t, to);
 *     table_done(&t);
 *
 * A long list is written in parts: each table_write() writes what has gathered and keeps the widths
 * seen so far, so that parts fit together; the titles come once, and with them it is decided which
 * columns there are.
 */
#pragma once

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 16U

struct table_column {
    const char *title; /* N_("ADDRESS") */
    bool right;        /* numbers stand at the right */
    bool shrinks;      /* cut when the line is too long for the terminal */
    bool wraps;        /* the last one: goes on below itself, broken at blanks only */
    unsigned rank;     /* the highest is left out first; 0: never */
};

struct table {
    const struct table_column *columns;
    size_t count;
    size_t width;    /* of the terminal; 0: lines may have any length */
    bool headless;   /* without titles */
    unsigned indent; /* spaces before each line */

    /* For table.c alone. */
    struct buf text;
    size_t *ends; /* of each cell within `text` */
    size_t cells, room;
    size_t widths[TABLE_COLUMNS_MAX];
    bool left_out[TABLE_COLUMNS_MAX];
    bool written;
};

/* The next cell, row by row. Text of strangers is made harmless; empty cells show "-". */
void table_text(struct table *t, struct slice text);
void table_word(struct table *t, const char *text); /* of our own, in the language of the user */
void table_printf(struct table *t, const char *format, ...) PRINTF_LIKE(2, 3);
void table_size(struct table *t, uint64_t bytes); /* as format_size() */

void table_write(struct table *t, struct buf *to);

/* Says which columns were left out and how they are seen, if there are any. */
void table_end(const struct table *t, struct buf *to);

void table_done(struct table *t);
