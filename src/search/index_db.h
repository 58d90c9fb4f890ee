/* SPDX-License-Identifier: ISC */
/*
 * Inside the index: its handle and its database. The file's tables and how they work together are
 * in index.c.
 */
#pragma once

#include "db/db.h"
#include "search/index.h"

/* Words that have been seen lately, by hash: most are, and need no look into the table. */
#define SEARCH_KNOWN 65536U

#define SEARCH_KEY_SIZE 16

struct search_index {
    struct db *db;
    uint8_t key[SEARCH_KEY_SIZE];
    uint64_t up_to;    /* within a batch: with what it has added */
    uint64_t added;    /* by the batch */
    uint64_t *known;   /* SEARCH_KNOWN hashes; NULL: none yet */
    struct buf fresh;  /* words that this batch has found, each with a blank behind it */
    struct buf text;   /* what the next document gives to FTS5 */
    int log_pages;     /* as of the last batch */
    usec_t give_up_at; /* monotonic; while a question is answered */
    bool is_late;      /* it was given up */
};

/* Teaches the handle to cut what is stored, and asked for, at blanks. */
int search_index_teach(struct db *db);

/* Appends the term as it stands in the table. What begins with a term there begins with it here. */
void search_index_put_term(const struct search_index *ix, struct slice term, struct buf *to);
