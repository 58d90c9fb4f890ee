/* SPDX-License-Identifier: ISC */
/* A client of the real session (imap/session.h) over the store of a test, in a fiber. */
#pragma once

#include "imap/session.h"
#include "store/world.h"

struct talk {
    struct stream *stream, *other;
    struct fiber *fiber;
    struct world *world;
    struct imap_session_config config;
    uint64_t account;
    struct buf said; /* the answer to the last command, lines without CR */

    /* Is given each line that comes, without its end. */
    void (*hear)(struct talk *t, struct slice line);
};

/* Connects, and selects the INBOX. */
void talk_begin(struct talk *t, struct world *w,
                void (*hear)(struct talk *t, struct slice line)) WAITS;
/* The same, and the session keeps results of SORT and THREAD (imap/search/results.h). */
void talk_begin_keeping(struct talk *t, struct world *w,
                        void (*hear)(struct talk *t, struct slice line),
                        struct imap_results *results) WAITS;
/* Connects to an account, and selects nothing. */
void talk_begin_as(struct talk *t, struct world *w, uint64_t account,
                   const struct imap_session_config *config,
                   void (*hear)(struct talk *t, struct slice line)) WAITS;
void talk_end(struct talk *t) WAITS;

/* Says a command; hears all that is said then, up to the line with its tag. */
struct slice talk_ask(struct talk *t, const char *command) WAITS;

/* Hears what is said unasked, until nothing was said for 10 ms. */
void talk_listen(struct talk *t) WAITS;
