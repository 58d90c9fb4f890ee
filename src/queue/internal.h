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
 * An attempt (attempt.c) routes the recipients whose time has come, carries out what follows
 * (steps.c, carry.c), and has the outcomes written (settle.c) with what they cause: reports
 * (report.c), messages to the targets of aliases (content.c). Nothing but the durable state of the
 * message in the spool says what is left to do; a worker that is cut short leaves no traces.
 */
#pragma once

#include "base/map.h"
#include "events/kinds.h"
#include "fiber/sync.h"
#include "fiber/turn.h"
#include "fiber/wait.h"
#include "message/dsn.h"
#include "message/envelope.h"
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
    bool busy; /* being opened, submitted or dropped */
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

    struct map files;                        /* by id: struct open_file */
    struct hourly to_postmaster, of_success; /* reports: to our own, and to strangers */
    struct {
        unsigned count;
        uint64_t bytes;
        usec_t looked; /* 0: never */
    } loops;           /* of strangers, on hold */
    struct queue_stats counts;
};

/* ------------------------------------------------------------------ queue.c */

/* Around each call from outside that may wait: queue_stop() lets them end. */
struct queue *guest_enter(struct queue *q);
void guest_leave(struct queue **inside);

struct job *job_find(const struct queue *q, queue_id id);
struct job *job_new(struct queue *q, queue_id id); /* AT_ENTRY and locked */
void job_free(struct queue *q, struct job *job);   /* out of its place, and gone */

/* Around each change of a message's durable state. -E_UNKNOWN: no such message; -ECANCELED. */
int job_lock(struct queue *q, queue_id id, struct job **ret_job) WAITS;
void job_unlock(struct queue *q, struct job *job);

/* ------------------------------------------------------------------ work.c */

/* Puts a job that nobody works on where it has to be next, at the wall time `when`. */
void job_place(struct queue *q, struct job *job, usec_t when);
void job_take_out(struct queue *q, struct job *job); /* of its place: nowhere */

void clock_fiber(void *arg) WAITS;
void work_start(struct queue *q); /* as many workers as there is work for */
unsigned work_active(const struct queue *q);
size_t work_ready(const struct queue *q);

/* Whether an attempt may go on to other hosts at once: the line is empty. Then it counts so. */
bool work_may_go_remote(struct queue *q, struct job *job, enum load load);

void line_init(struct line *l);
void budget_init(struct budget *b);
bool budget_has_room(const struct queue *q, const struct budget *b, uint64_t bytes);
int budget_take(struct queue *q, struct budget *b, uint64_t bytes) WAITS;
void budget_give(struct budget *b, uint64_t bytes);

/* ------------------------------------------------------------------ destination.c */

struct destination *destination_get(struct queue *q, struct slice name);

/* Takes a place, maybe the one reserved for the job. False: wait at the counter. */
bool destination_enter(struct queue *q, struct destination *d, struct job *job);
void destination_leave(struct queue *q, struct destination *d);
void destination_wait(struct queue *q, struct destination *d, struct job *job, usec_t when);
void destination_rest(struct queue *q, struct destination *d, usec_t span, struct slice why);
void destination_unreserve(struct queue *q, struct job *job);
void destinations_sweep(struct queue *q); /* forgets those of which there is nothing to remember */
void destinations_done(struct queue *q);

/* ------------------------------------------------------------------ attempts */

enum outcome {
    OUTCOME_NONE,      /* not tried, or not to the end: as before */
    OUTCOME_AGAIN,     /* see error_passes(): to be tried in a moment, which counts for nothing */
    OUTCOME_LATER,     /* failed for now */
    OUTCOME_DELIVERED, /* in a mailbox of this host */
    OUTCOME_RELAYED,   /* taken by a host that does not know DSN */
    OUTCOME_PASSED,    /* taken by a host that has taken over NOTIFY too */
    OUTCOME_EXPANDED,
    OUTCOME_FAILED,
};

/* One recipient that is not settled. */
struct task {
    const struct recipient *to;
    struct spool_recipient_state before, state; /* at the beginning, and now */
    struct fiber_turn turn;                     /* at the address */
    bool mailbox;                               /* a target of an expansion: not expanded again */
    bool due;
    bool saving;  /* its outcome is on the way to the disk */
    bool saved;   /* its outcome is durable */
    bool settled; /* and there is nothing left to do */
    bool shared;  /* its mailbox gets one copy, on behalf of a recipient who was given before */
    enum outcome outcome;
    enum way way;
    struct smtp_reply refusal; /* WAY_NEVER */
    struct route route;
    bool again; /* a recipient before it leads to the same group */
    const struct route_mailbox *to_mailbox;

    /* with an outcome: */
    struct slice status; /* "5.1.1" */
    struct slice reply;  /* "550 5.1.1 There is ..." on one line */
    struct slice peer;   /* whose reply it is; empty: ours */
    usec_t not_before;   /* OUTCOME_LATER: the destination rests until then; wall time */
    bool full;           /* OUTCOME_LATER: the mailbox is full */
    bool unsure;         /* OUTCOME_LATER: it may have arrived */
};

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

/* Recipients that are carried together: those at one destination, or those in one mailbox. */
struct step {
    size_t *members; /* places of tasks */
    size_t count;
    struct slice destination; /* empty: a delivery to a mailbox */
};

struct attempt {
    struct queue *q;
    struct job *job;
    struct arena *a;
    queue_id id;
    uint64_t size;
    struct envelope envelope;
    struct queue_extra extra;
    struct task *tasks;
    size_t count;
    uint32_t flags;  /* of the state */
    usec_t wall;     /* when it began */
    uint64_t chance; /* for the next time: recipients that fail together stay together */
    bool hold;       /* a postmaster has to look at it */
    bool local_only; /* recipients at other hosts are left for an attempt behind the line */
    bool gone;       /* the message is no more */
    bool broken;     /* something passing of our own: see error_passes() */

    struct spool_body body;
    bool body_open;
    uint64_t budget;          /* bytes taken for it */
    struct budget *budget_of; /* NULL: none */
    bool no_budget;           /* must not wait for others to be done: they may wait for us */

    struct step *steps;
    size_t step_count, next_step;
    unsigned helpers; /* fibers at the steps */
    struct fiber_cond step_done;
    struct slice crowded; /* a destination where some recipients wait for a place */
};

/* ------------------------------------------------------------------ attempt.c */

/* One attempt at a message, from its durable state to its durable state; then places the job. */
void attempt_run(struct queue *q, struct job *job, struct arena *a) WAITS;

/* The message as it stands in the spool. False: it is no more. */
bool attempt_load(struct attempt *at, struct queue *q, struct job *job, struct arena *a);
int attempt_open_body(struct attempt *at) WAITS;
void attempt_close_body(struct attempt *at);

/* An outcome with the words for it. */
void task_conclude(struct attempt *at, struct task *t, enum outcome outcome,
                   struct smtp_reply reply);

bool error_passes(int error); /* an end of a role, a shortage: worth another try at once */
void task_conclude_error(struct attempt *at, struct task *t, int error);

/* The message as it was accepted, before any expansion; whether that was from a stranger. */
queue_id attempt_root(const struct attempt *at);
bool attempt_of_stranger(const struct attempt *at);

/* A failed task is kept for a postmaster, who has to release the message. */
void task_hold(struct attempt *at, struct task *t);

/* Due on this way, and not concluded. */
bool task_is_open(const struct task *t, enum way way);

/* ------------------------------------------------------------------ steps.c */

/* Carries the message wherever its tasks lead, and settles outcomes that should not wait. */
void steps_run(struct attempt *at) WAITS;

/* ------------------------------------------------------------------ carry.c */

void carry_plan(struct attempt *at); /* makes the steps out of the tasks' ways */
void carry_out(struct attempt *at, struct step *step) WAITS;

/* ------------------------------------------------------------------ settle.c */

enum settle_part {
    SETTLE_PROGRESS, /* outcomes that cause no report */
    SETTLE_OUTCOMES, /* all that has an outcome */
    SETTLE_END,      /* the same, and notices of delay */
};

/* Makes outcomes durable, in one commit with all that they cause. */
void settle(struct attempt *at, enum settle_part part) WAITS;

/* Which outcomes are not on their way to the disk yet. Nothing of a message that is no more. */
struct settle_need {
    bool now;    /* some that should not wait: a host has taken the message, or this host is done */
    bool soon;   /* some that cause no report */
    bool report; /* some that cause one */
};
struct settle_need settle_need(const struct attempt *at);

/* Settles all recipients; the caller has locked the job. With `bounce` the sender is told. */
int settle_removed(struct attempt *at, bool bounce) WAITS;

/* When something is to be done for the message next, as far as the tasks know; wall time. */
usec_t settle_next(const struct attempt *at, usec_t pause);

/* ------------------------------------------------------------------ report.c */

/* What the sender is told of the outcome, if he wants to hear of it (RFC 3461 §4.1, §5.2). */
bool report_wanted(const struct attempt *at, const struct task *t, enum dsn_action action);
bool report_of_outcome(const struct attempt *at, const struct task *t, enum dsn_action *ret);

/*
 * Whether our own postmaster is told instead: a stranger's message goes round in a circle, which he
 * can bring about by its header. Its sender may be anybody.
 */
bool report_is_for_postmaster(const struct attempt *at, const struct task *t);

struct report_item {
    const struct task *task;
    enum dsn_action action;
    bool to_postmaster; /* all of a report, or none */
};

/* The whole notification. A message that cannot be read is reported about without its bytes. */
void report_compose(struct attempt *at, queue_id id, const struct report_item *items, size_t count,
                    struct slice recipient, struct buf *to) WAITS;

/* Our own postmaster's address; in the arena. */
struct slice report_postmaster(const struct attempt *at);

#define REPORT_RETURNED_MAX (16U << 20) /* bytes of a message that a report brings along */
#define REPORT_LOOP_MAX     (64U << 10) /* and one to our own postmaster: it may be many of them */

/* ------------------------------------------------------------------ held.c */

/* -E_REFUSED: so many messages of its kind are held that this one must not be added. */
int held_check(struct queue *q, const struct queue_message *message, struct problem *problem);

/* Whether as many loops of strangers are held as may be; counted anew once in a second. */
bool held_loops_full(struct queue *q);
void held_loops_add(struct queue *q, uint64_t size); /* one more, on the disk */

/* As spool_accept(), for a message that is on hold from the beginning. */
int held_into_spool(struct queue *q, const struct queue_message *message,
                    const struct envelope *envelope, const struct spool_content *content) WAITS;

/* Writes to the user and to the administrators. */
void held_notify(struct queue *q, const struct queue_message *message) WAITS;

/* ------------------------------------------------------------------ content.c */

void extra_encode(const struct queue_extra *extra, struct buf *to);

/* The envelope of a message in the spool, with the queue's own part. */
void envelope_read(const struct spool_message *message, struct arena *a, struct envelope *ret,
                   struct queue_extra *ret_extra);

/* An address as a value, whatever it looks like. */
struct address address_of(struct arena *a, struct slice text);

/* A large file with those bytes, or with what is in the body's file. */
int content_large(struct queue *q, queue_id id, struct slice bytes, const struct spool_body *body,
                  struct spool_large **ret_large) WAITS;

/* The beginning of the message, at most `max` bytes; in the arena, or where it lies. */
int content_begin(struct attempt *at, size_t max, struct slice *ret) WAITS;

/* ------------------------------------------------------------------ log_event.c */

#define FACT(name_, value_) ((struct event_fact){S(name_), (value_)})
void log_event(struct queue *q, queue_id id, const char *kind, const struct event_fact *facts,
               size_t count, const char *format, ...) PRINTF_LIKE(6, 7);
void log_accepted(struct queue *q, queue_id id, const struct envelope *e, uint64_t size,
                  queue_id parent);
void log_outcome(struct attempt *at, const struct task *t);
void log_order(struct queue *q, queue_id id, const char *kind, const char *what, struct slice by);
void log_removed(struct attempt *at, const struct queue_order *order);
