/* SPDX-License-Identifier: ISC */
/*
 * What a client has been told of its mailbox: which messages it has, in which order. A sequence
 * number is a place in that (RFC 9051 §2.3.1.2): it changes only where the client is told so, by
 * EXISTS and EXPUNGE, whatever has become of the mailbox meanwhile.
 *
 * Kept is a view of the mailbox as it is now, how far up its UIDs were told (what is above is new),
 * and the UIDs that were told and have vanished since. So it costs nothing as long as nobody else
 * removes messages, and 4 bytes for each that somebody has removed until the client is told; and no
 * older version of the mailbox stays in memory for it.
 */
#pragma once

#include "store/store.h"

struct told {
    struct store_account *account; /* the caller's, open until told_close() */
    uint32_t mailbox;
    struct store_view *view; /* as of the last look */
    uint32_t uidnext;        /* UIDs below it were told */
    struct buf ghosts;       /* uint32_t: told, and not in the view; rising */
};

/* So many messages are gone through, where little is done with each, between two looks at the clock
 * (fiber_yield_if_long()), which would take as long as all else. */
#define TOLD_TURN 16U

/* At first everything that the mailbox has counts as told. Errors as store_view_open(). */
int told_open(struct told *t, struct store_account *a, uint32_t mailbox) WAITS;
void told_close(struct told *t);

/* The same in two steps, as store_view_begin(): until the second one only the view may be asked. */
int told_begin(struct told *t, struct store_account *a, uint32_t mailbox) WAITS;
int told_settle(struct told *t) WAITS;

/*
 * Looks at the mailbox as it is now. What the client has been told stays the same. It costs as much
 * as messages have vanished since the last look, not as there are. Errors as store_view_open():
 * then nothing has changed.
 */
int told_look(struct told *t) WAITS;

size_t told_count(const struct told *t);

/* The UID of a message by its number, from 1 to told_count(). */
uint32_t told_uid(const struct told *t, size_t number);

/* The message with that number; false: it has vanished. */
bool told_at(const struct told *t, size_t number, struct store_message *ret);

/* The number of a UID, or of the next one above it that was told; told_count() + 1: there is none.
 */
size_t told_number(const struct told *t, uint32_t uid);

bool told_has(const struct told *t, uint32_t uid);

/*
 * Numbers of many UIDs in any order, each of which was told: in most mailboxes UIDs follow each
 * other with few holes, and then none has to be looked for. Takes at most 16 bytes for each message
 * of the mailbox, and stands until something is told or looked at.
 */
struct told_numbers {
    const struct told *told;
    uint32_t first, span; /* UIDs that are known: from the first on */
    bool dense;           /* all of them are there, in a mailbox without ghosts */
    uint32_t *numbers;    /* of each; 0: it is not there. NULL: each is looked for */
};

/* Of `count` UIDs. */
void told_numbers_begin(struct told_numbers *n, const struct told *t, size_t count) WAITS;
void told_numbers_done(struct told_numbers *n);
uint32_t told_numbers_of(const struct told_numbers *n, uint32_t uid);

/*
 * The messages that have vanished, as EXPUNGE tells them (RFC 9051 §7.5.1): each with the number
 * that it has once those before it are gone. From then on they are no more. `each` may wait, but
 * not touch this object. For VANISHED (RFC 7162 §3.2.10) their UIDs are there.
 */
void told_expunge(struct told *t, void (*each)(void *arg, size_t number, uint32_t uid) WAITS,
                  void *arg) WAITS;

/* The messages that have come count as told. True: there were some, EXISTS has to be said. */
bool told_arrivals(struct told *t);
