/* SPDX-License-Identifier: ISC */
/* Answers of SEARCH, SORT and ESEARCH, and what "$" stands for (RFC 5182). */
#pragma once

#include "imap/session_inside.h"

/*
 * Finds what the command asks for: UIDs (uint32_t) in their order, appended. 0; else the client has
 * been told. `ret_lowest`: down to which UID was looked, or 0 (imap/limit.h); NULL: a part is of no
 * use, so it is refused.
 */
int imap_search_run(struct imap_session *s, const struct imap_command *command, struct buf *uids,
                    uint32_t *ret_lowest) WAITS;

/*
 * To sort many messages takes memory for each: so those of one account are sorted one after the
 * other. 0: ends with fiber_turn_pass(), before anything is told; -ECANCELED.
 */
int imap_turn_to_sort(struct imap_session *s, size_t messages, struct fiber_turn *turn) WAITS;

/* What was found, in the order in which it is told. */
struct imap_found {
    const struct imap_command *command;
    const struct told *told; /* where */
    uint32_t *uids;
    size_t count;
    bool has_modseq; /* the highest is told (RFC 7162 §3.1.5) */
    bool has_fuzzy;  /* something was fuzzy: RELEVANCY can be told */
    uint32_t lowest; /* further down was not looked (imap/limit.h); 0: everywhere */
};

/* RFC 7377 §2.1: ESEARCH tells no numbers, wherever it looked. */
static inline bool imap_tells_uids(const struct imap_command *command) {
    return command->uid || command->verb == IMAP_ESEARCH;
}

/* "* ESEARCH (TAG ...) UID", up to the results: with the mailbox for ESEARCH. */
void imap_begin_found(struct imap_session *s, const struct imap_command *command,
                      const struct told *told);

/*
 * Tells it as was asked for (RFC 9051 §7.3.4, RFC 4731, 5267, 6203, 9394), and saves it. `name` is
 * that of the answer without RETURN.
 */
void imap_tell_found(struct imap_session *s, const char *name,
                     const struct imap_found *found) WAITS;

/* NO for what imap_find_begin_in() and imap_find_some() return, and for -E2BIG: more would have to
 * be looked at than may be (imap/limit.h). Nothing is saved then (RFC 5182 §2.1). */
void imap_no_search(struct imap_session *s, const struct imap_command *command, int error) WAITS;

/* Whether RETURN is one, and whether a charset may be named (RFC 6855 §3); else BAD has been said.
 */
bool imap_returns_are_good(struct imap_session *s, const struct imap_command *command) WAITS;
bool imap_charset_is_good(struct imap_session *s, const struct imap_command *command) WAITS;

/* Whether something in it is FUZZY. */
bool imap_has_fuzzy(const struct imap_search_program *p);

/* What others have changed meanwhile, and OK or NO; `lowest` as above. */
void imap_end_search(struct imap_session *s, const struct imap_command *command, uint32_t lowest,
                     const char *text) WAITS;
