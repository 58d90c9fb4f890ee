/* SPDX-License-Identifier: ISC */
/*
 * The search index of an account: a file beside its mail.db, from which follow the bodies whose
 * text may have a needle. It is derived: it may be deleted at any time, and is made again from the
 * bodies.
 *
 * The promise: hits for a needle are all indexed bodies that have it anywhere, within a word too,
 * and some that have not. The index narrows, the text confirms: whoever asks reads each of them,
 * and those behind `up_to` as well. Two kanji or kana suffice, one kanji does; where a needle is in
 * too many texts, or too short (one letter, one kana, separators alone), the index says that it
 * does not narrow, and all texts are to be read. Needles and texts are folded alike.
 *
 * Bodies are indexed in the order of their numbers, and a number is never given again; so a number
 * has to be durable in the store before its body comes here. What is indexed ends at one number.
 * Removed bodies are not taken out: they are hits that nobody has any more. When the documents are
 * many more than the bodies that are left, the index is made anew beside the old one, and put in
 * its place (search_index_replace()); so a message is indexed a second time at most once on
 * average.
 *
 * Handles: one that writes, and any number that read at the same time, and do not wait for it.
 * Everything here blocks: it is called within offload(OFFLOAD_DISK), by one thread at a time for
 * each handle. Errors are those of db/db.h. After -E_CORRUPT the handles are closed and the file is
 * discarded: damage that SQLite meets. A bit that turns within a list of bodies unseen is not met.
 *
 * A handle that writes takes up to 12 MiB during a batch, one that reads 2 MiB and the hits.
 */
#pragma once

#include "base/error.h"
#include "base/time.h"
#include "search/document.h"

struct search_index;

enum search_mode {
    SEARCH_READ,  /* -E_TEMPORARY, -EIO: there is none yet */
    SEARCH_WRITE, /* makes the file; one that is damaged, or of another format, is made anew */
};

int search_index_open(const char *path, enum search_mode mode, struct search_index **ret,
                      struct problem *problem);
void search_index_close(struct search_index *ix); /* NULL is fine */
DEFINE_CLEANUP(struct search_index, search_index_close)

/* Removes the file, and what SQLite keeps beside it; no handle is open. Fine if there is none. */
int search_index_discard(const char *path);

/* The index at `fresh` takes the place of that at `path`. No handle of either is open. */
int search_index_replace(const char *path, const char *fresh);

struct search_index_state {
    uint64_t up_to;     /* each body up to here that is not removed is in it; 0: none */
    uint64_t documents; /* in it, those removed since included */
    uint64_t unread;    /* of them: hits for each needle */
};

/* As of the last batch that ended. */
int search_index_state(struct search_index *ix, struct search_index_state *ret);

/*
 * The sum with which a body was indexed. -E_UNKNOWN: it is not in it. Whoever has put older
 * mailboxes in place of newer ones gives their numbers again: should the newest body that is there,
 * of those up to `up_to`, have another sum here, the index is of no use any more.
 */
int search_index_sum(struct search_index *ix, uint64_t body, uint32_t *ret);

/* ------------------------------------------------------------------ indexing */

/*
 * A batch is one transaction: all of it is in the index, or nothing, also when the process dies.
 * About 500 messages, or 4 MB of text, make a good one.
 */
int search_index_begin(struct search_index *ix);

/*
 * The next body; numbers grow. `sum` is one over its bytes. A full document, and none (NULL: a body
 * that cannot be read, or not in bounds), is a hit for each needle.
 */
int search_index_add(struct search_index *ix, uint64_t body, uint32_t sum,
                     const struct search_document *d);

int search_index_end(struct search_index *ix, int result); /* as db_end() */

/*
 * A step of putting the index in order, of about 10 ms, which makes it faster to ask and smaller.
 * Call it after batches until nothing is left to do. 1: call again; 0: it is in order; or an error.
 */
int search_index_tidy(struct search_index *ix);

/* ------------------------------------------------------------------ asking */

#define SEARCH_HITS_MAX 250000U /* with more of them the index does not narrow */

struct search_hits {
    bool narrows;     /* false: any text may have it, and there are no bodies here */
    uint64_t up_to;   /* bodies behind this one are not in the index, and may have it too */
    uint64_t *bodies; /* on the heap, in order */
    size_t count;
};

/* The zero value has nothing. */
void search_hits_done(struct search_hits *h);

/*
 * Bodies whose text may have the needle in that field. After
 * about `patience` it gives up, and does not narrow. Not within a batch.
 */
int search_index_find(struct search_index *ix, enum search_field field, struct slice needle,
                      usec_t patience, struct search_hits *ret);
