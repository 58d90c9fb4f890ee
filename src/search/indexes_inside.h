/* SPDX-License-Identifier: ISC */
/* What account_index.c, follow.c and indexes.c share: each uses those before it. */
#pragma once

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "search/indexes.h"
#include "store/bodies.h"

/* An account whose index somebody has used lately, or that is to be worked on. */
struct account_index {
    struct search_indexes *all;
    uint64_t id;
    unsigned users;   /* fibers that would miss it */
    struct link link; /* in all->accounts, used longest ago first */
    usec_t used;
    struct heap_item due; /* in all->due: when it is to be worked on */
    unsigned arrivals;    /* messages since it was */
    uint64_t left;        /* older ones that were to be put into it then, and are still */

    struct fiber_mutex lock; /* around each question, and while the file is replaced */
    struct search_index *reader;

    bool spoiled; /* the file is of no use: another one is to be made in its place */
    enum { ANEW_NOT, ANEW_ASKED, ANEW_BEGUN } anew; /* beside it */
    usec_t not_before;                              /* could not be written */
};

struct search_indexes {
    struct search_indexes_options options;
    struct store *store;
    struct map by_id;
    struct list accounts;
    struct heap due;
    struct fiber_cond work; /* the fiber waits here */
    struct fiber *fiber;
    unsigned readers; /* that are open */
    usec_t told;      /* when trouble was last reported */
    bool closing;
};

/* ------------------------------------------------------------------ account_index.c */

/* The one of this number, which is the last to be forgotten now. */
struct account_index *account_index_find(struct search_indexes *x, uint64_t id);
void account_index_forget(struct account_index *k); /* nobody uses it */

/* It is to be worked on at that time, or before, if that was said already. */
void account_index_want(struct account_index *k, usec_t when);

void account_index_close_reader(struct account_index *k) WAITS; /* its mutex is held */

/* The sentence for the log, at most once in ten minutes for all accounts. */
void account_index_tell(struct account_index *k, const char *what, const char *why);

/*
 * Whether an index that was opened is of what the account has: 0; -E_CORRUPT: it is not, or cannot
 * tell; or an error of the store.
 */
int account_index_check(struct search_index *ix, struct store_account *a,
                        struct search_index_state *ret) WAITS;

/* ------------------------------------------------------------------ follow.c */

/* Brings an account's index up to date, or a good part of the way: then it is wanted again. */
void account_index_follow(struct account_index *k) WAITS;
