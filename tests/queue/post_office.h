/* SPDX-License-Identifier: ISC */
/*
 * A post office around a queue: a spool in a folder of its own, a directory, mailboxes and other
 * hosts that do what the test wants, and a ledger of all that arrived. Each test runs as a fiber on
 * simulated time.
 *
 * here.test is ours: tama, mike, kuro have mailboxes; team leads to tama, mike and out@away.test;
 * both leads to tama and mike; many0, many1 and so on have mailboxes of their own; away leads to
 * out@away.test; keep leads to the mailbox of keep and to out@away.test; off is disabled, round a
 * circle, sleepy cannot be looked up; mike is the postmaster of mx.here.test. Nobody else is here.
 */
#pragma once

#include "unit.h"

#include "queue/queue.h"

struct arrival {
    letter_id id;
    letter_id root; /* local: of the message as it was accepted */
    usec_t wall;
    bool local;
    char recipient[128]; /* as in the envelope */
    char mailbox[128];   /* local */
    char sender[128];
    char domain[128];   /* remote: the destination */
    unsigned notify;    /* remote */
    unsigned together;  /* remote: recipients of the transaction */
    struct slice bytes; /* with its head */
};

struct office;

/* What the fakes do; NULL: all goes well. May wait. */
typedef void look_up_fn(struct office *o, struct slice address);
typedef int deliver_fn(struct office *o, const struct queue_delivery *delivery,
                       struct problem *problem);
typedef int transmit_fn(struct office *o, const struct queue_transmission *transmission,
                        const struct spool_recipient *recipient, struct arena *a,
                        struct relay_result *ret);
typedef int begin_fn(struct office *o, const struct queue_transmission *transmission,
                     struct relay_outcome *outcome);

/* The name of where a domain goes by the settings; empty: the domain itself. */
typedef struct slice way_fn(struct slice domain);

struct office {
    char path[64];
    int dir;
    struct queue_options options;
    struct queue *queue;
    struct letter_ids ids;
    struct arena memory;

    int resolve_error;
    look_up_fn *look_up; /* before the directory answers */
    deliver_fn *deliver;
    begin_fn *begin;       /* of a whole transmission: negative fails it */
    transmit_fn *transmit; /* of each recipient */
    way_fn *way;           /* NULL: by domain */
    int number;            /* for the test */
    bool nobody;           /* the directory knows no such address */
    uint64_t quota;        /* of all mailboxes */

    struct arrival arrivals[400];
    unsigned arrived, again; /* again: local ones that had been there before */
    unsigned delivering, transmitting, most_transmitting, transmissions;
    unsigned resolved;

    struct buf journey; /* "kind sentence\n" of each event */
};

void office_run(void (*test)(struct office *o));

#define OFFICE_TEST(name)                                                                          \
    static void name##_in_office(struct office *o);                                                \
    static void test_##name(void **state) {                                                        \
        (void)state;                                                                               \
        office_run(name##_in_office);                                                              \
    }                                                                                              \
    static void name##_in_office(struct office *o)

void office_open(struct office *o);  /* and start */
void office_close(struct office *o); /* in order, with a minute of time */
void office_cut(struct office *o);   /* without any */
void office_reopen(struct office *o);

/* A small letter to recipients, separated by blanks; each may have "/" and NOTIFY behind, as one
 * character: '0' + bits. */
letter_id office_send(struct office *o, const char *sender, const char *recipients);
int office_submit(struct office *o, struct queue_letter *letter, const char *recipients);
extern const char OFFICE_LETTER[]; /* its bytes */

void office_wait(struct office *o, usec_t span);
uint64_t office_letters(struct office *o); /* in the queue */

/* Arrivals for the recipient. */
unsigned office_count(const struct office *o, const char *recipient);
const struct arrival *office_last(const struct office *o, const char *recipient);

/* Reports that reached the mailbox of tama, the sender of most letters. */
unsigned office_reports(const struct office *o);
struct slice office_report(const struct office *o, unsigned number);
unsigned occurs(struct slice text, const char *part);

struct relay_result reply_of(enum relay_fate fate, unsigned code, unsigned class, unsigned subject,
                             unsigned detail, const char *text);
