/* SPDX-License-Identifier: ISC */
/*
 * A visit from the inside: hearing what it says, handing on what the client says.
 */
#pragma once

#include "imap/visit/visit.h"

struct imap_visit {
    struct stream *stream;
    struct imap_terms terms;
    bool selected; /* it has a mailbox selected */
    char *owner;
};

/* What a visit says, up to its mark. */
struct visit_hearing {
    struct imap_session *s;
    struct imap_visit *v;
    void (*line)(void *arg, struct slice line); /* NULL: it is for the client */
    void *arg;
    unsigned pluses; /* lines to come that want literals, and are not told */
    bool inside;     /* of a line, which ... */
    bool dropped;    /* ... is not told */
    bool said;       /* the client has got something, */
    bool bye;        /* and last that it is over */
    bool done;       /* the mark has come */
};

/* ------------------------------------------------------------------ visit.c */

/* Begins one; -E_UNKNOWN: there is nothing for him there. `ret` is the caller's: imap_visit_end().
 */
int visit_begin(struct imap_session *s, struct slice owner, struct imap_visit **ret) WAITS;

/* NULL is at nobody's. */
bool visit_is_at(const struct imap_visit *v, struct slice owner);

/* ------------------------------------------------------------------ hear.c */

/* Up to the mark; to the client, or to `line`. 0, or what is wrong with either stream. */
int visit_hear(struct visit_hearing *h) WAITS;

/* As much as has come; it waits only if nothing has. */
int visit_hear_some(struct visit_hearing *h) WAITS;

/* The visit is gone in the middle of something: so goes the session. */
void visit_lose(struct imap_session *s) WAITS;

/* The session ends by an error of its client's stream, if it has not ended already. */
void visit_end_by(struct imap_session *s, int error) WAITS;

/* ------------------------------------------------------------------ hand_on.c */

/* The command as it came, without its last line end. -E_SYNTAX: a NUL stands beside a long set. */
int visit_add_command(const struct imap_session *s, struct buf *to);

/*
 * These hand a command on and hear the answer. 0: it was heard up to its mark, or the session ends;
 * else what is wrong with either stream. The first is for APPEND and REPLACE, of which the reader
 * has read up to the octets of the first literal that is not held.
 */
int visit_hand_on_message(struct visit_hearing *h) WAITS;
int visit_hand_on_idle(struct visit_hearing *h, const struct imap_command *command) WAITS;
int visit_hand_on(struct visit_hearing *h, const struct imap_command *command) WAITS;

/* What is still to come of a command that was answered is not read as commands. */
void visit_drop_rest(struct imap_session *s) WAITS;
