/* SPDX-License-Identifier: ISC */
/*
 * IMAP after login (RFC 9051 §3.2, §3.3): the command that logged in gets its answer, commands are
 * obeyed, in order, and what has changed is told where the protocol lets it be told.
 *
 * A session keeps of the mailbox that it has selected what its client was told (imap/told.h), and
 * holds no buffers while the client is silent. In IDLE it is nudged by changes of the account.
 */
#pragma once

#include "fiber/turn.h"
#include "imap/connection.h"
#include "imap/visit/others.h"
#include "search/indexes.h"
#include "store/store.h"

#define IMAP_OFF_MAX 1000U

/* Messages that have just left a mailbox: moved to another one of the account, or deleted. */
#define IMAP_GONE_MAX 100U
struct imap_gone {
    struct store_account *account;
    struct slice from, to; /* paths in the account; `to` empty: deleted */
    const struct store_message *messages;
    size_t count; /* of them, at most IMAP_GONE_MAX */
    size_t all;   /* that have gone, about */
};

struct imap_session_config {
    /* Told of them, for the event log. May be NULL. */
    void (*gone)(void *arg, const struct imap_gone *g) WAITS;
    void *gone_arg; /* of the next one, too */

    /* Told of a mailbox that the client has renamed, or with `to` empty deleted; paths in the
     * account. Does not wait. May be NULL. */
    void (*mailbox)(void *arg, struct store_account *a, struct slice path, struct slice to);

    struct slice tag;        /* of the command that logged in: one that is (token_is_tag()) */
    struct slice user;       /* the canonical address of his login */
    struct door_offer offer; /* as it was at the end of the login */
    usec_t timeout;       /* for each command, and between them: at least 30 min (RFC 9051 §5.4) */
    usec_t idle_beat;     /* in IDLE an untagged OK comes so often; 2 min */
    usec_t search_beat;   /* a search that takes longer says so, so often; 10 s */
    unsigned errors_max;  /* in a row: 50 */
    uint64_t message_max; /* bytes of an APPEND */
    unsigned messages_max; /* that one command may be about (limit.h); 0: any */
    struct slice off; /* names of capabilities that are neither announced nor enabled, unless the
                         account has others, of at most IMAP_OFF_MAX bytes */
    struct search_indexes *indexes; /* of the store; NULL: all texts are read for a search */
    uint64_t
        *held; /* bytes of long commands that all sessions hold (imap/syntax/reader.h); or NULL */
    struct fiber_turns *sorting;  /* by account: of sessions that sort many messages; NULL: nobody
                                     waits for others */
    struct imap_results *results; /* of all sessions (imap/search/results.h); NULL: none are kept */
    bool anyone;                  /* the user may give rights to all others at once */
    const uint64_t *quota;        /* bytes that the account may hold just now; NULL, or to 0: any */

    /* Of a visit: whose mailboxes these are, his canonical address, and how it was begun. Empty:
     * they are the user's own. */
    struct slice owner;
    struct imap_terms terms;

    const struct imap_others *others; /* NULL: nobody shares anything with anybody */
    void *others_arg;

    /*
     * UNAUTHENTICATE (RFC 8437): who had the conversation before the login takes it back when this
     * session ends. 0, or it cannot be. NULL: it is not offered; it is where TLS is active.
     */
    int (*hand_back)(void *arg) WAITS;
    void *hand_back_arg;

    /*
     * When the fiber is cancelled: why, for the client, who is told if he is between two commands
     * or in IDLE. NULL, or it points to NULL: he is told nothing.
     */
    const char *const *ended;
};

/* The settings' defaults; tag (but of a visit), user and offer are to be filled in. */
extern const struct imap_session_config imap_session_defaults;

/* What happened, for the log. */
struct imap_session_counts {
    uint64_t fetched, appended, removed; /* messages */
    unsigned commands, errors;
    int problem; /* the account could not be opened, with this; 0: it was */
};

/* The stream stays the caller's: stream_shutdown() and stream_free() when this returns. */
enum door_end imap_session(struct stream *s, const struct imap_session_config *config,
                           struct store *store, uint64_t account,
                           struct imap_session_counts *ret) WAITS;
