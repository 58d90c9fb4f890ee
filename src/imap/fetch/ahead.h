/* SPDX-License-Identifier: ISC */
/*
 * The messages of a FETCH, one after the other, with what it needs of them: they and their maps are
 * read some ahead of the one that is being sent, in batches. While the client is given one of
 * these, a fiber reads the next. What is held is bounded: of each of the two IMAP_AHEAD messages,
 * about IMAP_AHEAD_BYTES of them, and 512 KiB of maps (one map in any case).
 */
#pragma once

#include "imap/session_inside.h"

#define IMAP_AHEAD       STORE_MAPS_MAX
#define IMAP_AHEAD_BYTES 65536U
#define IMAP_SMALL       16384U /* messages up to it are read as a whole */

struct imap_batch {
    size_t count, next, mapped; /* those before `mapped` have their maps */
    bool is_full;               /* there may be more behind it */
    size_t numbers[IMAP_AHEAD];
    struct store_message messages[IMAP_AHEAD];
    struct store_piece bytes_at[IMAP_AHEAD], maps_at[IMAP_AHEAD];
    int errors[IMAP_AHEAD];
    usec_t saved[IMAP_AHEAD];
    struct buf bytes, maps;
};

struct imap_ahead {
    struct imap_messages *from; /* the caller's */
    bool wants_bytes, wants_maps, wants_saved;

    /* its own */
    struct imap_batch batches[2];
    unsigned now;         /* the one whose messages are being taken */
    struct fiber *reader; /* reads the other one; NULL: nobody does */
};

/* Zero is one from which nothing was taken. Ends, at any place. */
void imap_ahead_done(struct imap_ahead *a) WAITS;

/* What a message has stays until the next one is taken. */
struct imap_fetched {
    size_t number;
    const struct store_message *message;
    struct slice bytes; /* all of it; without a pointer: it is large, or they are not wanted */
    struct slice map;   /* encoded; the same */
    usec_t saved;       /* when it came to its mailbox, as far as that is known; if wanted */
    int error;          /* it cannot be read: as store_read() */
};

/* The next one, or false: there are no more. */
bool imap_ahead_next(struct imap_ahead *a, struct imap_fetched *ret) WAITS;
