/* SPDX-License-Identifier: ISC */
/*
 * The queue: what happens to every accepted message until every recipient is settled. It keeps
 * messages in the spool, finds out where each recipient leads, has messages delivered and
 * transmitted, tries again for days, tells senders what became of their messages, and lets a
 * postmaster look and interfere. What it needs of the other roles it reaches through a table of
 * functions.
 *
 *     queue_open(dir, &options, &ops, &queue, &problem);     every message of the last run is there
 *     queue_start(queue);                                    once the other roles can be reached
 *     queue_submit(queue, &message, &problem);                0: on the disk; now say 250
 *     queue_stop(queue, deadline);
 *
 * The promises (docs/architecture.md, D1 to D8): a message for which queue_submit() returned 0 is
 * never forgotten, whatever is killed at any time. A recipient is settled in the same commit that
 * holds the report about it, or the new message that goes on to where it leads. Deliveries to
 * mailboxes of this host carry a key, the id of the message as it was accepted, by which a mailbox
 * takes it exactly once: after a crash, and however many of the recipients lead there.
 * Transmissions to other hosts happen at least once: a second time only when this process, or the
 * one that transmits, ends between the other host's acceptance and the commit with its outcome,
 * which begins at once (or, when the sender asked for a report of success, within half a minute).
 * What became of the message at this host, and at each other one, is settled without waiting for
 * those that take longer. ops.deliver() begins for messages to one address in the order in which
 * they were taken; one that has to be tried again, or is stuck, loses its place.
 *
 * One message has one id everywhere: the one that the edge gave it at MAIL. Messages that are made
 * here (reports, messages to the targets of an alias) get theirs from `options.worker`.
 */
#pragma once

#include "directory/directory.h"
#include "events/event.h"
#include "message/queue_id.h"
#include "relay/relay.h"
#include "spool/spool.h"

struct queue;

/* ------------------------------------------------------------------ messages */

/* Who brought the message. Kept in the spool: never change a number. */
enum queue_origin {
    QUEUE_FROM_OUTSIDE = 1,    /* a stranger, by SMTP */
    QUEUE_FROM_USER = 2,       /* a user of this host who logged in */
    QUEUE_FROM_HOST = 3,       /* a trusted network, a program of this host */
    QUEUE_MADE_REPORT = 4,     /* made here: a delivery status notification */
    QUEUE_MADE_EXPANSION = 5,  /* made here: on its way to the targets of an alias */
    QUEUE_MADE_BY_MAILBOX = 6, /* made here: sent on, or an answer, by the rules of a mailbox */
};

/* Borrowed by queue_submit(), which copies what it keeps. */
struct queue_message {
    queue_id id;
    struct envelope envelope; /* of enum queue_origin; arrival and extra are set here */
    struct slice head;        /* Received and other fields put in front */
    struct slice bytes;       /* the message; empty when it is in the file */
    bool in_file;             /* its bytes are in the file of queue_open_file() */
    bool hold;                /* on hold at first: its user has sent too much */
    bool notify;              /* and is written to, like the administrators */
    struct slice reason;      /* what he has sent: "312 messages in an hour, ..." */
};

/*
 * Takes a message. 0: it is on the disk and its way begins. -ENOSPC (reply 452 4.3.1), -EIO and
 * other errno (451 4.3.0), -E_LIMIT (too large: 552 5.3.4), -EINVAL (no recipient, an id that is in
 * use, no such file: a fault of the caller), -E_REFUSED (`hold`, and too many messages of that user
 * are held: 452 4.7.1; or a stranger's that has travelled, and too many loops of strangers are
 * held: 451 4.4.6), -E_BUSY (the file can still be written to by others), -ECANCELED (the queue is
 * being stopped). After a failure with `in_file` the file is still there.
 */
int queue_submit(struct queue *q, const struct queue_message *message,
                 struct problem *problem) WAITS;

/* An id for a message of somebody who gives none himself. */
queue_id queue_new_id(struct queue *q);

/*
 * A file for the bytes of a large message: a new descriptor, which the caller passes on or closes;
 * all copies must be closed before queue_submit(). A file that is not submitted is given back by
 * queue_drop_file(). -EINVAL: the id is in use; -ENOSPC, -E_LIMIT (too many open files).
 */
int queue_open_file(struct queue *q, queue_id id, int *ret_fd) WAITS;

/* One more of such a file, with which it can only be read. -EINVAL: there is none of that id. */
int queue_read_file(struct queue *q, queue_id id, int *ret_fd) WAITS;

/*
 * Gives it back; none of that id: nothing happens. One that is being submitted goes when the queue
 * does not take the message.
 */
void queue_drop_file(struct queue *q, queue_id id) WAITS;

/*
 * The same for the files of all messages whose ids a worker gave: for when it has ended. Which ones
 * is settled before the first wait.
 */
void queue_drop_files_of(struct queue *q, unsigned worker) WAITS;

/* Whether a message of this size would be taken now. */
bool queue_room(struct queue *q, uint64_t size) WAITS;

/* ------------------------------------------------------------------ what it asks of others */

/* What all of them may want to know of a message. Borrowed during the call. */
struct queue_facts {
    queue_id id;
    const struct envelope *envelope;
    const struct spool_body *body; /* bytes, and behind them the file */
};

/* A delivery to a mailbox of this host. The message is `head`, then the body. */
struct queue_delivery {
    struct queue_facts message;
    queue_id root; /* the message as it was accepted: a mailbox takes what comes of it once */
    struct slice recipient; /* as in the envelope */
    struct route_mailbox mailbox;
    struct slice head; /* Return-Path, Delivered-To */
};

/*
 * A message that a delivery wants sent: with `same` it is `bytes` (a few fields) and then the one
 * delivered, with its body as it was accepted; otherwise `bytes` is all of it. Of the envelope
 * count the reverse-path, the recipients with NOTIFY and ORCPT, RET, ENVID and the body type.
 */
struct queue_wanted {
    struct envelope envelope;
    struct slice bytes;
    bool same;
};
#define QUEUE_WANTED_MAX 8U

/* What comes of a delivery, in the arena. */
struct queue_delivered {
    const struct queue_wanted *wanted;
    size_t count;         /* at most QUEUE_WANTED_MAX */
    struct slice mailbox; /* the name of the one that it is in; empty: not known */
};

/*
 * A transmission to the host that is responsible for a domain. The envelope has the recipients it
 * is for, at most options.recipients_per_transaction, and does not say how the message came in.
 */
struct queue_transmission {
    struct queue_facts message;
    struct slice head;   /* fields that stand before the message: its signatures */
    struct slice domain; /* behind the "@", or the name that ops.destination has for it */
    bool now;            /* although the destination rests */
};

/* A message that is about to leave. */
struct queue_signing {
    bool forward; /* it is not ours: it is sent on, by an alias, and is sealed */
    const struct spool_body *body;
    struct slice login; /* the account that has sent it; empty: a trusted network, or this host */
};

/*
 * Many calls of each kind are under way at the same time. Those that wait return 0 with a result,
 * or negative: -EPIPE when the role they asked has ended (it is asked again in a moment, and this
 * counts as no attempt), -ECANCELED when the fiber was cancelled; anything else means later.
 */
struct queue_ops {
    void *arg; /* first argument of all */

    /* Where an address leads: directory_resolve(). */
    int (*resolve)(void *arg, struct slice address, struct arena *a, struct route *ret) WAITS;

    /*
     * Puts the message into a mailbox; 0: on the disk there, or already there. -E_LIMIT: over
     * quota. -E_PERMANENT, -E_UNKNOWN: will never be taken. May set a sentence for the sender.
     *
     * What the mailbox wants sent is put into the spool by the commit that settles the recipient,
     * so it is sent once, whatever is killed at any time. Before that commit the queue may ask
     * again: a mailbox that has the message already wants the same sent as before.
     */
    int (*deliver)(void *arg, const struct queue_delivery *delivery, struct arena *a,
                   struct queue_delivered *ret, struct problem *problem) WAITS;

    /* Hands the message to another host: relay_transmit(). One result for each recipient. */
    int (*transmit)(void *arg, const struct queue_transmission *transmission, struct arena *a,
                    struct relay_outcome *ret) WAITS;

    /*
     * The reverse-path with which a message that came for somebody else goes on to another host:
     * the one it has, or one that leads back to it. NULL: as it is.
     */
    int (*send_on)(void *arg, struct slice reverse_path, struct arena *a, struct slice *ret) WAITS;

    /*
     * Signs a message for its transmissions: the fields to be put in front of it, in the arena;
     * none where nobody has a key for it. An error is one of ours, and the message waits. NULL:
     * nothing is signed.
     */
    int (*sign)(void *arg, const struct queue_signing *signing, struct arena *a,
                struct slice *ret_fields) WAITS;

    /*
     * A step in the journey of a message, of a kind of events/kinds.h, with a sentence for people.
     * Must not wait. NULL: nobody listens.
     */
    void (*event)(void *arg, queue_id id, const char *kind, struct slice sentence,
                  const struct event_fact *facts, size_t count);

    /*
     * Where messages for a domain go by the settings: a name that all that goes there together has,
     * in the arena, or empty for the domain itself. NULL: always the domain.
     */
    struct slice (*destination)(void *arg, struct slice domain, struct arena *a);
};

/* ------------------------------------------------------------------ opening, closing */

/* When a message is tried again. Defaults behind the semicolons. */
struct queue_schedule {
    const usec_t *first; /* waits behind the first attempts; 5, 10, 20, 40, 80 min */
    size_t first_count;
    usec_t day_one;         /* then, on the first day; 2 h */
    usec_t after;           /* and later; 4 h */
    unsigned jitter;        /* percent either way; 20 */
    usec_t lifetime;        /* 5 d; one more attempt is made at its end */
    usec_t report_lifetime; /* of messages with the null sender; 2 d */
    usec_t full_lifetime;   /* to a mailbox that is full; 1 d */
    const usec_t *notices;  /* ages at which senders are told of a delay, growing; 4 h, 24 h */
    size_t notice_count;    /* at most QUEUE_NOTICES */
};
#define QUEUE_NOTICES 200U

/* Slices and arrays are borrowed. Begin with a copy of queue_options_default. */
struct queue_options {
    struct slice hostname; /* our own name, for reports; must be given */
    uint8_t worker;        /* number for the ids of messages made here: message/queue_id.h; 0 */
    struct queue_schedule schedule;
    unsigned recipients_per_transaction; /* 100 */
    unsigned active_max;      /* messages under work at a time; 1000. A quarter of them is kept
                                 free of messages that wait for other hosts */
    unsigned destination_max; /* transmissions to one domain under way at a time; 40 */
    uint64_t memory_max;      /* bytes of bodies under work; 64 MiB */
    uint64_t returned_max;    /* a larger message is returned as its header; 100 KiB, to 16 MiB */
    unsigned postmaster_max;  /* reports to our own postmaster in an hour; 50 */
    unsigned success_max;     /* reports of success to senders of strangers' messages; 100 */
    usec_t call_timeout;      /* of resolving and delivering; 5 min */
    usec_t transmit_timeout;  /* 1 h */
    unsigned files_max;       /* files of queue_open_file() at a time; 1000 */
    unsigned held_max;        /* messages of one user that are held; 100 */
    uint64_t held_size_max;   /* and their bytes, but for the last of them; 200 MiB */
    unsigned loops_held_max;  /* held messages of strangers that went in circles; 1000 */
    uint64_t loops_held_size_max; /* and their bytes; 256 MiB */
    struct spool_options spool;
};
extern const struct queue_options queue_options_default;

/*
 * Opens the spool in the directory `dir` (an open descriptor, which stays the caller's) and
 * schedules every message. Errors as spool_open(), with words in `problem`. The calling fiber must
 * outlive the queue; it starts and stops it.
 */
int queue_open(int dir, const struct queue_options *options, const struct queue_ops *ops,
               struct queue **ret_queue, struct problem *problem) WAITS;

/* Begins to work. Before, messages are taken and kept. 0 or -ENOMEM. */
int queue_start(struct queue *q);

/* New settings, which replace the borrowed ones. Worker and spool but its reserve stay as they are.
 */
void queue_configure(struct queue *q, const struct queue_options *options);

/*
 * Takes no more messages, begins nothing new, lets what is under way end until `deadline`
 * (monotonic), cuts the rest short, and frees the queue. What was cut short is tried again in the
 * next run. Files of queue_open_file() are dropped. NULL is fine.
 */
void queue_stop(struct queue *q, usec_t deadline) WAITS;

/* ------------------------------------------------------------------ looking, interfering */

/* Which messages: exactly one of these is given. */
struct queue_match {
    bool all;           /* every message */
    queue_id id;        /* this one */
    struct slice text;  /* those with this in the sender or in an open recipient, in any case */
    struct slice login; /* those that this account has submitted, whatever their sender */
};

/* What is left to do for one recipient. */
struct queue_waiting {
    struct slice address;
    const char *status; /* "new", "later", "full": a word */
    uint32_t attempts;
    usec_t next;        /* wall time of the next attempt; 0: at once */
    struct slice reply; /* the last one, or the reason; may be empty */
};

struct queue_entry {
    queue_id id;
    usec_t arrival;
    uint64_t size;
    struct slice sender, login;
    struct slice first;         /* the first recipient that is left */
    bool hold, active, damaged; /* active: somebody works on it now */
    usec_t next;                /* wall time when something happens next; 0: at once */
    uint32_t recipients, left;
    const struct queue_waiting *waiting; /* NULL unless details were asked for */
    size_t waiting_count;                /* at most QUEUE_WAITING_MAX of them */
};
#define QUEUE_WAITING_MAX 1000U

struct queue_page {
    struct queue_entry *entries; /* in the arena */
    size_t count;
    uint64_t total; /* messages in the queue, whether they match or not */
};

/* Messages with ids above `after`, in order of their ids, at most `limit`. 0 or -ECANCELED. */
int queue_list(struct queue *q, const struct queue_match *match, queue_id after, size_t limit,
               bool details, struct arena *a, struct queue_page *ret) WAITS;

enum queue_action {
    QUEUE_HOLD,    /* not tried, nor given up, before it is released */
    QUEUE_RELEASE, /* goes on, at once if it is time */
    QUEUE_RETRY,   /* tried at once, also where a destination rests; one on hold stays so */
    QUEUE_REMOVE,
    QUEUE_ACTIONS,
};

struct queue_order {
    enum queue_action action;
    bool bounce;     /* remove: the sender is told */
    struct slice by; /* who says so, for the journey: "root (sudo: tama)"; empty: the postmaster */
};

/*
 * Durable when it returns 0; `ret_count`: messages that it was done to; `ret_held` (or NULL): those
 * among them that are on hold now. A message that is just being transmitted or delivered may still
 * arrive although it was removed. -E_UNKNOWN: no message of that id; -EINVAL: the match does not
 * say which, or says more than one thing; or as spool_update().
 */
int queue_act(struct queue *q, const struct queue_order *order, const struct queue_match *match,
              uint64_t *ret_count, uint64_t *ret_held, struct problem *problem) WAITS;

/* Bytes of the message itself from `offset` on; fewer than `size` only at its end. Or negative. */
ssize_t queue_read(struct queue *q, queue_id id, uint64_t offset, void *to, size_t size) WAITS;

struct queue_stats {
    uint64_t messages;      /* in the queue */
    uint64_t held;          /* on hold */
    uint64_t active;        /* under work now */
    uint64_t ready;         /* could be worked on now */
    uint64_t transmissions; /* under way */
    uint64_t accepted, delivered, transmitted, failed, reports, settled; /* since the opening */
    struct spool_stat spool;
};
void queue_stats(const struct queue *q, struct queue_stats *ret);
