/* SPDX-License-Identifier: ISC */
/*
 * A server around a queue: a spool in a folder of its own, a directory, mailboxes and other
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

#include "events/kinds.h"
#include "queue/queue.h"

struct arrival {
    queue_id id;
    queue_id root; /* local: of the message as it was accepted */
    usec_t wall;
    bool local;
    char recipient[128]; /* as in the envelope */
    char mailbox[128];   /* local */
    char sender[128];
    char domain[128];   /* remote: the destination */
    unsigned notify;    /* remote */
    char head[64];      /* remote: what was put in front */
    unsigned together;  /* remote: recipients of the transaction */
    struct slice bytes; /* with its head */
};

struct server;

/* What the fakes do; NULL: all goes well. May wait. */
typedef void look_up_fn(struct server *o, struct slice address);
typedef int deliver_fn(struct server *o, const struct queue_delivery *delivery,
                       struct problem *problem);
typedef void rules_fn(struct server *o, const struct queue_delivery *delivery, struct arena *a,
                      struct queue_delivered *ret);
typedef int transmit_fn(struct server *o, const struct queue_transmission *transmission,
                        const struct recipient *recipient, struct arena *a,
                        struct relay_result *ret);
typedef int begin_fn(struct server *o, const struct queue_transmission *transmission,
                     struct relay_outcome *outcome);

/* The reverse-path of a message that goes on. */
typedef int send_on_fn(struct server *o, struct slice reverse_path, struct slice *ret);

/* The fields in front of a message that leaves; negative fails. */
typedef int sign_fn(struct server *o, const struct queue_signing *signing, struct slice *ret);

/* The name of where a domain goes by the settings; empty: the domain itself. */
typedef struct slice way_fn(struct slice domain);

struct server {
    char path[64];
    int dir;
    struct queue_options options;
    struct queue *queue;
    struct queue_ids ids;
    struct arena memory;

    int resolve_error;
    look_up_fn *look_up; /* before the directory answers */
    deliver_fn *deliver;
    rules_fn *rules;       /* what a mailbox wants sent, each time that it is asked */
    begin_fn *begin;       /* of a whole transmission: negative fails it */
    transmit_fn *transmit; /* of each recipient */
    way_fn *way;           /* NULL: by domain */
    sign_fn *sign;         /* NULL: nothing is signed */
    send_on_fn *send_on;   /* NULL: as it is */
    int number;            /* for the test */
    bool nobody;           /* the directory knows no such address */
    uint64_t quota;        /* of all mailboxes */

    struct arrival arrivals[400];
    unsigned arrived, again; /* again: local ones that had been there before */
    unsigned delivering, transmitting, most_transmitting, transmissions;
    unsigned resolved;

    struct buf journey; /* "kind sentence\n" of each event */
};

void server_run(void (*test)(struct server *o));

#define SERVER_TEST(name)                                                                          \
    static void name##_in_server(struct server *o);                                                \
    static void test_##name(void **state) {                                                        \
        (void)state;                                                                               \
        server_run(name##_in_server);                                                              \
    }                                                                                              \
    static void name##_in_server(struct server *o)

void server_open(struct server *o);  /* and start */
void server_close(struct server *o); /* in order, with a minute of time */
void server_cut(struct server *o);   /* without any */
void server_reopen(struct server *o);

/* A small message to recipients, separated by blanks; each may have "/" and NOTIFY behind, as one
 * character: '0' + bits. */
queue_id server_send(struct server *o, const char *sender, const char *recipients);
int server_submit(struct server *o, struct queue_message *message, const char *recipients);
extern const char SERVER_MESSAGE[]; /* its bytes */

void server_wait(struct server *o, usec_t span);
uint64_t server_messages(struct server *o); /* in the queue */

/* Arrivals for the recipient. */
unsigned server_count(const struct server *o, const char *recipient);
const struct arrival *server_last(const struct server *o, const char *recipient);

/* Reports that reached the mailbox of tama, the sender of most messages. */
unsigned server_reports(const struct server *o);
struct slice server_report(const struct server *o, unsigned number);
unsigned occurs(struct slice text, const char *part);

struct relay_result reply_of(enum relay_disposition disposition, unsigned code, unsigned class,
                             unsigned subject, unsigned detail, const char *text);
