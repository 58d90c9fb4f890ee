/* SPDX-License-Identifier: ISC */
/*
 * One attempt at a message, for the files of this folder that are part of it. An attempt
 * (attempt.c) loads the message (load.c), routes the recipients whose time has come, carries out
 * what follows (steps.c, carry.c), and has the outcomes (task.c) written (settle.c) with the
 * messages that they cause (make.c, report.c).
 */
#pragma once

#include "message/report/dsn.h"
#include "queue/internal.h"

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

/* What a delivery wants sent, until it is in the spool. */
struct wanted {
    struct arena memory;
    struct queue_delivered delivered;
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
    struct slice status;   /* "5.1.1" */
    struct slice reply;    /* "550 5.1.1 There is ..." on one line */
    struct slice peer;     /* whose reply it is; empty: ours */
    usec_t not_before;     /* OUTCOME_LATER: the destination rests until then; wall time */
    bool full;             /* OUTCOME_LATER: the mailbox is full */
    struct slice in;       /* OUTCOME_DELIVERED: the name of the mailbox; empty: not known */
    struct wanted *wanted; /* OUTCOME_DELIVERED: what the mailbox wants sent; NULL: nothing */
    bool unsure;           /* OUTCOME_LATER: it may have arrived */
};

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
    size_t wanted_bytes;      /* that deliveries want sent, and are not in the spool yet */

    struct fiber_mutex signing; /* its steps to other hosts share what comes of it: */
    bool is_signed;
    struct slice signatures; /* fields to be put in front; may be none */

    struct step *steps;
    size_t step_count, next_step;
    unsigned helpers; /* fibers at the steps */
    struct fiber_cond step_done;
    struct slice crowded; /* a destination where some recipients wait for a place */
};

/* ------------------------------------------------------------------ attempt.c */

/* One attempt at a message, from its durable state to its durable state; then places the job. */
void attempt_run(struct queue *q, struct job *job, struct arena *a) WAITS;

#define BROKEN_MOST 8U /* so often what passes counts for nothing; then as a failed attempt */

/* ------------------------------------------------------------------ load.c */

/* The message as it stands in the spool. False: it is no more. */
bool attempt_load(struct attempt *at, struct queue *q, struct job *job, struct arena *a);
int attempt_open_body(struct attempt *at) WAITS;
void attempt_close_body(struct attempt *at);
uint64_t attempt_memory(const struct attempt *at); /* bytes that the open body takes, about */

/* The beginning of the message, at most `max` bytes; in the arena, or where it lies. */
int content_begin(struct attempt *at, size_t max, struct slice *ret) WAITS;

/* The message as it was accepted, before any expansion; whether that was from a stranger. */
queue_id attempt_root(const struct attempt *at);
bool attempt_of_stranger(const struct attempt *at);

/* ------------------------------------------------------------------ task.c */

/* An outcome with the words for it. */
void task_conclude(struct attempt *at, struct task *t, enum outcome outcome,
                   struct smtp_reply reply);

bool error_passes(int error); /* an end of a role, a shortage: worth another try at once */
void task_conclude_error(struct attempt *at, struct task *t, int error);

/* It is in the spool, or will be asked for once more. */
void task_forget_wanted(struct attempt *at, struct task *t);

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

/* ------------------------------------------------------------------ sign.c */

/* Has a message signed, or sealed where it is sent on, once in an attempt, before it goes to
 * another host. */
int attempt_sign(struct attempt *at) WAITS;

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

/* ------------------------------------------------------------------ make.c */

/* A message that is made of another one. */
struct made {
    struct job *job;      /* NULL: none */
    const char *what;     /* for the journey of the other one */
    struct slice account; /* whose mailbox sends it; empty: nobody's */
    struct envelope envelope;
    struct spool_content content;
    struct recipient to_sender;
    struct buf extra, head, bytes;
};
void made_done(struct queue *q, struct made *m) WAITS;

/* The report of these items, unless it is made already; of none there is none. */
int make_report(struct attempt *at, const struct report_item *items, size_t count,
                struct made *m) WAITS;

/* The message to the targets of the aliases that are being saved. */
int make_expansion(struct attempt *at, struct made *m) WAITS;

/* A message that the task's mailbox wants sent. */
int make_wanted(struct attempt *at, const struct task *t, const struct queue_wanted *w,
                struct made *m) WAITS;

/* It is on the disk: the new message begins its way. */
void made_saved(struct attempt *at, struct made *m);

/* ------------------------------------------------------------------ log_events.c */

void log_outcome(struct attempt *at, const struct task *t);
void log_removed(struct attempt *at, const struct queue_order *order);
