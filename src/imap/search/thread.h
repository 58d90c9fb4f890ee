/* SPDX-License-Identifier: ISC */
/*
 * Messages as threads: ORDEREDSUBJECT and REFERENCES of RFC 5256 §3, and REFS, which is REFERENCES
 * without its last step: what has the same subject stays apart, and the thread in which something
 * came last stands last. Pure; without recursion, so threads may be as deep as they like; time is
 * that of sorting.
 *
 * Links are laid in another order than in the RFC, first those to the last reference of each
 * message, then those between references: it comes to the same but where references go round in a
 * circle.
 */
#pragma once

#include "imap/syntax/search.h"

struct imap_thread_row {
    int64_t date;           /* sent; without such a date, when it came (§2.2) */
    int64_t arrival;        /* when it came */
    uint64_t subject;       /* a number for the base subject: the same for the same; 0: empty */
    uint64_t id;            /* of its Message-ID, 0: none; as in message/map/map.h */
    const uint64_t *follow; /* what it follows, the oldest first */
    uint32_t follow_count;
    bool is_answer; /* by its subject */
};

/*
 * A node with a number below `count` is that message; any other is one that is not there, with two
 * or more below it that belong together. IMAP_THREAD_END: there is none.
 */
#define IMAP_THREAD_END UINT32_MAX
struct imap_threads {
    uint32_t count;  /* messages */
    uint32_t nodes;  /* all */
    uint32_t begin;  /* the first thread */
    uint32_t *next;  /* of each node: its brother */
    uint32_t *below; /* its first child */
    uint32_t *above; /* its parent, IMAP_THREAD_END for the first of a thread */
};

/* Rows are in the order of the mailbox. */
void imap_threads_make(struct imap_threads *ret, const struct imap_thread_row *rows, uint32_t count,
                       enum imap_thread how);
void imap_threads_done(struct imap_threads *t);
