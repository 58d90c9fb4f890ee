/* SPDX-License-Identifier: ISC */
/*
 * The search indexes (index.h) of a store's accounts: each is a file beside its account
 * (store/bodies.h), which one fiber here makes and brings up to date, and which is asked by who
 * searches.
 *
 * An account gets its index when somebody searches in texts of it for the first time, unless it has
 * so few messages that reading all of them takes no longer. From then on the fiber follows what
 * comes: a few messages after a while, many at once. While messages keep coming to the store it
 * works a small part of the time, so deliveries do not wait for it, nor do they ever fail with it.
 *
 * Whatever is the matter with an index, who asks is told that it does not narrow, and reads the
 * texts: no error comes out of here. One that is damaged, of another release, or of other messages
 * than the account has (after older mailboxes were put back) is removed and made anew. One that
 * cannot be written, as on a full disk, is left alone for a while. What was removed from the
 * account is left in it until that is more than half; then another one is made beside it, and takes
 * its place, as when somebody asks for that (search_indexes_rebuild()).
 *
 * Memory: 12 MiB while the fiber works, 2 MiB for each of at most SEARCH_READERS accounts that were
 * asked lately.
 */
#pragma once

#include "search/index.h"
#include "store/store.h"

#define SEARCH_READERS 16U

struct search_indexes;

struct search_indexes_options {
    usec_t after;   /* so long a few new messages wait for others; 0: 10 s */
    uint64_t least; /* an account with fewer messages gets no index; 0: 200 */

    /* One sentence for the log: what was found damaged and what is done; does not wait. May be
     * NULL. */
    void (*report)(void *arg, uint64_t account, const char *text);
    void *report_arg;
};

struct search_indexes *search_indexes_new(const struct search_indexes_options *options);
void search_indexes_free(struct search_indexes *x); /* NULL is fine */
DEFINE_CLEANUP(struct search_indexes, search_indexes_free)

/* For store_options.arrived, with the indexes as `arg`; also before they are started. */
void search_indexes_arrived(void *indexes, uint64_t account);

/*
 * Starts the fiber, as a child of the caller, who stops it before he closes the store; nobody asks
 * any more then.
 */
int search_indexes_start(struct search_indexes *x, struct store *s);
void search_indexes_stop(struct search_indexes *x) WAITS;

/* A question, and its answer: search_hits_done() when it is read. */
struct search_asked {
    enum search_field field;
    struct slice needle; /* folded */
    struct search_hits hits;
};

/*
 * Asks the index of an account that is open; takes at most a fraction of a second, in another
 * thread, and 4 MB. What is not narrowed is to be looked for in all texts.
 */
#define SEARCH_ASKED_MAX 16U
void search_indexes_ask(struct search_indexes *x, struct store_account *a,
                        struct search_asked *list, size_t count) WAITS;

/* Makes the index of an account anew, or the first one. -ENOTSUP: there is no place for it. */
int search_indexes_rebuild(struct search_indexes *x, struct store_account *a);

struct search_progress {
    bool there;
    bool anew;         /* another one is being made beside it, or to be made: this is of that one */
    uint64_t messages; /* of the account that are in it */
    uint64_t left;     /* are to be put into it */
};
int search_indexes_progress(struct search_indexes *x, struct store_account *a,
                            struct search_progress *ret) WAITS;

/* How many messages are to be put into all indexes that are worked on, or are to be; about. */
uint64_t search_indexes_left(const struct search_indexes *x);
