/* SPDX-License-Identifier: ISC */
/*
 * The inside of the queue, for the files of this folder only.
 *
 * Each message of the spool has a struct job. A job is in exactly one place:
 *
 *     AT_ENTRY   on its way into the spool
 *     AT_REST    in the heap `due` until its time comes, or nowhere while it is on hold
 *     AT_DOOR    ready; where its recipients lead is not known yet
 *     AT_LINE    ready; known to have recipients at other hosts: waits for one of the workers that
 *                may wait for other hosts
 *     AT_COUNTER has recipients at a destination that takes no more now; also in the heap when it
 *                has other things to do later
 *     AT_WORK    a worker has it
 *
 * Workers are fibers; each takes job after job and ends when none may be taken. So a message that
 * waits costs its job and nothing else.
 *
 * Fairness. Messages at the door go in order of arrival: what is done with them there takes
 * milliseconds. What may take minutes, transmission, has its own share of the workers, and messages
 * that were tried before may have only a part of that. Behind the line messages are taken in turn
 * from flows, one for each sender (by hash), so that a mailing of ten thousand messages and a
 * single one get on equally fast. A single message has at most ATTEMPT_FANOUT transmissions under
 * way.
 *
 * Order. Messages that come one after the other for one address of this host go to the mailbox in
 * that order. An attempt that begins at the door takes a turn (fiber/turn.h) for each address on
 * its first attempt, before it has to wait for anything, and passes it on when the delivery begins;
 * the mailbox keeps them in order from there. A message that was tried before has no turn and holds
 * nobody up, one that is stuck does so for seconds.
 *
 * What an attempt is stands in attempt.h. Nothing but the durable state of the message in the spool
 * says what is left to do; a worker that is cut short leaves no traces.
 */
#pragma once

#include "base/map.h"
#include "events/kinds.h"
#include "fiber/sync.h"
#include "fiber/turn.h"
#include "fiber/wait.h"
#include "message/envelope.h"
#include "message/report/dsn.h"
#include "queue/route.h"
#include "queue/schedule.h"

#define ATTEMPT_FANOUT 16U
#define REPLY_MAX      1000U /* bytes of a reply that are kept */

/* ------------------------------------------------------------------ jobs */

enum place { AT_ENTRY, AT_REST, AT_DOOR, AT_LINE, AT_COUNTER, AT_WORK };

/* What an attempt counts as. */
enum load { LOAD_LOCAL, LOAD_FRESH, LOAD_RETRIED, LOADS };

struct job {
    queue_id id;
    struct heap_item due;         /* wall time */
    struct link link;             /* in the list of its place */
    struct destination *reserved; /* which keeps a place for it */
    uint8_t place;                /* enum place */
    uint8_t load;                 /* enum load: what its next attempt, or this one, counts as */
    uint8_t flow;
    uint8_t broken; /* times in a row that a role ended during its attempt */
    bool locked;    /* its durable state is being changed */
};

#define FLOWS 64U

/* Jobs behind the line, by flow. */
struct line {
    struct list flows[FLOWS];
    unsigned next; /* the flow whose turn it is */
    size_t count;
};

/* Where transmissions go, while there is something to remember of it. */
struct destination {
    struct slice name;  /* behind the struct */
    unsigned under_way; /* and reserved */
    usec_t rests_until; /* monotonic */
    char why[256];      /* it rests */
    struct list counter;
};

/* Bytes of bodies in memory. */
struct budget {
    uint64_t used;
    struct fiber_mutex turn;
    struct fiber_cond freed;
};

struct open_file {
    queue_id id;
    struct spool_large *large;
    bool busy;    /* being opened, submitted or dropped */
    bool dropped; /* meanwhile: whoever is busy with it drops it, unless the spool took it */
};

struct held_count {
    unsigned messages;
    uint64_t bytes;
};

/* How many of something within this hour. */
struct hourly {
    usec_t began;
    unsigned count;
};

struct queue {
    struct queue_options options;
    char *hostname; /* the one in the options */
    struct queue_ops ops;
    struct spool *spool;
    struct queue_ids ids;

    struct map jobs; /* by id */
    struct heap due;
    struct list door;
    size_t at_door;
    struct line lines[LOADS]; /* LOAD_FRESH and LOAD_RETRIED */
    struct map destinations;  /* by name */
    struct fiber_turns turns; /* of tasks, by address */

    struct schedule_clock wall;
    struct fiber *clock; /* NULL: not started */
    struct fiber_cond clock_wanted;
    unsigned workers, unstarted; /* fibers; those that have not taken anything yet */
    unsigned active[LOADS];      /* attempts */
    unsigned helpers;            /* further fibers of attempts */
    bool line_next;              /* the next one is taken from behind the line, not at the door */
    struct budget budgets[2];    /* for LOAD_LOCAL, and for the others */
    struct fiber_cond unlocked;
    struct fiber_cond idle; /* woken when the last worker ends */
    bool stopping;
    unsigned guests; /* calls from outside under way */

    /* The way up: place.c and work.c do not know who works, nor at what. */
    void (*work_wanted)(struct queue *q);
    void (*attempt)(struct queue *q, struct job *job, struct arena *a) WAITS;

    struct map files;                        /* by id: struct open_file */
    struct hourly to_postmaster, of_success; /* reports: to our own, and to strangers */
    struct held_count held, held_loops;      /* all; those of strangers that went in circles */
    struct map held_users;                   /* by login */
    struct queue_stats counts;
};

/* ------------------------------------------------------------------ place.c */

struct job *job_find(const struct queue *q, queue_id id);
struct job *job_new(struct queue *q, queue_id id); /* AT_ENTRY and locked */
void job_free(struct queue *q, struct job *job);   /* out of its place, and gone */

/* Around each change of a message's durable state. -E_UNKNOWN: no such message; -ECANCELED. */
int job_lock(struct queue *q, queue_id id, struct job **ret_job) WAITS;
void job_unlock(struct queue *q, struct job *job);

/* Puts a job that nobody works on where it has to be next, at the wall time `when`. */
void job_place(struct queue *q, struct job *job, usec_t when);
void job_ready(struct queue *q, struct job *job);    /* at the door, or behind the line */
void job_take_out(struct queue *q, struct job *job); /* of its place: nowhere */

struct destination *destination_get(struct queue *q, struct slice name);

/* Takes a place, maybe the one reserved for the job. False: wait at the counter. */
bool destination_enter(struct queue *q, struct destination *d, struct job *job);
void destination_leave(struct queue *q, struct destination *d);
void destination_wait(struct queue *q, struct destination *d, struct job *job, usec_t when);
void destination_rest(struct queue *q, struct destination *d, usec_t span, struct slice why);
void destination_unreserve(struct queue *q, struct job *job);
void destinations_sweep(struct queue *q); /* forgets those of which there is nothing to remember */
void destinations_done(struct queue *q);

/* ------------------------------------------------------------------ work.c */

void clock_fiber(void *arg) WAITS;
void clock_void_plans(struct queue *q); /* what is planned for a time that nobody means is due */
void work_start(struct queue *q);       /* as many workers as there is work for */
unsigned work_active(const struct queue *q);
size_t work_ready(const struct queue *q);

/* Whether an attempt may go on to other hosts at once: the line is empty. Then it counts so. */
bool work_may_go_remote(struct queue *q, struct job *job, enum load load);

void line_init(struct line *l);
void budget_init(struct budget *b);
bool budget_has_room(const struct queue *q, const struct budget *b, uint64_t bytes);
int budget_take(struct queue *q, struct budget *b, uint64_t bytes) WAITS;
void budget_give(struct budget *b, uint64_t bytes);

/* ------------------------------------------------------------------ content.c */

/* What stands in envelope.extra. */
struct queue_extra {
    uint8_t depth;      /* of expansions */
    uint32_t shape;     /* of a spool before the envelope had it: read only */
    queue_id parent;    /* the message that this one was made from, or is about; 0: none */
    uint32_t mailboxes; /* so many of the first recipients are mailboxes */
    queue_id root;      /* of an expansion: the message at its beginning, as it was accepted */
    bool stranger;      /* of an expansion: that message came from a stranger */
};

/* Flags of a message's durable state, and status of a recipient's: never change a number. */
enum { STATE_NOW = 1 /* tried also where a destination rests */ };
enum { STATUS_NEW = 0, STATUS_LATER = 1, STATUS_FULL = 2, STATUS_UNSURE = 3 };

void extra_encode(const struct queue_extra *extra, struct buf *to);

/* The envelope of a message in the spool, with the queue's own part. */
void envelope_read(const struct spool_message *message, struct arena *a, struct envelope *ret,
                   struct queue_extra *ret_extra);

/* An address as a value, whatever it looks like. */
struct address address_of(struct arena *a, struct slice text);

/* A large file with those bytes, or with what is in the body's file. */
int content_large(struct queue *q, queue_id id, struct slice bytes, const struct spool_body *body,
                  struct spool_large **ret_large) WAITS;

/* ------------------------------------------------------------------ held.c */

/* -E_REFUSED: so many messages of its kind are held that this one must not be added. */
int held_check(const struct queue *q, const struct queue_message *message, struct problem *problem);

bool held_loops_full(const struct queue *q); /* as many loops of strangers are held as may be */

/* A message begins to be held, or ceases to be: spool_options.held. */
void held_note(void *queue, const struct spool_message *message, bool hold);
void held_done(struct queue *q);

/* As spool_accept(), for a message that is on hold from the beginning. */
int held_into_spool(struct queue *q, const struct queue_message *message,
                    const struct envelope *envelope, const struct spool_content *content) WAITS;

/* ------------------------------------------------------------------ accept.c */

/* Around each call from outside that may wait: queue_stop() lets them end. */
struct queue *guest_enter(struct queue *q);
void guest_leave(struct queue **inside);

/* queue_submit(), without telling anybody that the message is held. */
int accept_message(struct queue *q, const struct queue_message *message,
                   struct problem *problem) WAITS;

/* ------------------------------------------------------------------ notice.c */

/* Writes to the user whose message is held, and to the administrators. */
void notice_held(struct queue *q, const struct queue_message *message) WAITS;

/* ------------------------------------------------------------------ log_event.c */

#define FACT(name_, value_) ((struct event_fact){S(name_), (value_)})
void log_event(struct queue *q, queue_id id, const char *kind, const struct event_fact *facts,
               size_t count, const char *format, ...) PRINTF_LIKE(6, 7);
void log_accepted(struct queue *q, queue_id id, const struct envelope *e, uint64_t size,
                  queue_id parent);
void log_order(struct queue *q, queue_id id, const char *kind, const char *what, struct slice by);
