/* SPDX-License-Identifier: ISC */
/*
 * A job on its way: what relay.c, rounds.c and reach.c (hosts) share. For these only.
 */
#pragma once

#include "relay/memory.h"
#include "relay/pool.h"
#include "relay/relay.h"
#include "relay/sources.h"

struct relay {
    struct relay_options options;
    struct pool *pool;
    struct host_memory *memory;
    struct sources *sources;
    char login_error[512]; /* of the latest login, if it failed */
    uint64_t messages;
};

/* A recipient's place on the way. */
enum run_place {
    RUN_SETTLED,
    RUN_HERE,      /* for the present host, or the next connection */
    RUN_ELSEWHERE, /* the present host has put it off; its result has the words */
};

struct run {
    struct relay *relay;
    const struct relay_job *job;
    struct arena *a;
    struct relay_outcome outcome;
    enum run_place *places; /* of each recipient */
    size_t here, elsewhere; /* how many */
    struct buf dialogue;
    usec_t began;
    unsigned attempts; /* new connections tried */
    unsigned refusals; /* hosts that answered, and put it off */

    bool way_known;
    struct dns_way way;
    const struct dns_host *judged; /* whose the policy is; NULL: nobody's */
    struct tls_policy policy;
    size_t host, address;        /* the next one to try */
    unsigned refused_here;       /* addresses of that host that put it off */
    struct net_addr present;     /* of the latest connection that was opened */
    size_t present_place;        /* among its host's addresses */
    struct slice asked;          /* peer of an idle connection that put it off; empty: none */
    bool fresh;                  /* idle connections will not do any more */
    bool opened;                 /* the present connection is that latest one */
    bool connected;              /* some host could be spoken to */
    struct relay_result failure; /* why the hosts failed, for recipients without better words */
};

/* The words to use for what is open if nothing better follows. */
void run_note_failure(struct run *run, const struct relay_result *result);

/* A conversation, for people. */
void run_add_dialogue(struct run *run, struct slice peer, struct slice text);

void run_set_place(struct run *run, size_t i, enum run_place place);

/* What is open keeps the words it has, or gets these. */
void run_settle_open(struct run *run, const struct relay_result *result);

/* What the present host has put off is for the next one. */
void run_move_on(struct run *run);

/* As many transactions as the connection is good for. 0: it is still usable. */
int run_send_rounds(struct run *run, struct pool_connection *connection, bool reused) WAITS;

/*
 * Fills in the policy for a host that is to be connected to. 0; 1: it is not to be used now, and
 * the failure says why; -ECANCELED.
 */
int demand_judge(struct run *run, const struct dns_host *host) WAITS;

/*
 * What came of TLS with a host, by its policy: notes it where others may want to hear of it.
 * `result` as in struct relay_session; `addr` NULL: it was not connected to.
 */
void demand_note(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                 const char *result, struct slice reason);

/*
 * Opens a session with the next host that can be had. 0; 1: there is none, and the failure says
 * why; -ECANCELED.
 */
int reach_next(struct run *run, struct pool_connection *connection) WAITS;

/*
 * Recipients are left that the present host did not take; `answered`: it has said so; `idle_peer`
 * is the host's when an idle connection was used. 1: there is another host to try; 0: there is
 * none, or enough were tried; -ECANCELED.
 */
int reach_another(struct run *run, bool answered, struct slice idle_peer) WAITS;

/*
 * The latest connection that was opened ended with 421 at one of several recipients. True: not for
 * the first time, and its host is the next one for the others.
 */
bool reach_again(struct run *run);

/* The host of the latest connection that was opened is the next one. */
void reach_same(struct run *run);

/* The latest connection that was opened was out of step: its host is asked again, one by one. */
void reach_one_by_one(struct run *run);

/*
 * The latest connection that was opened broke at commands that came together. With `again` its host
 * is the next one.
 */
void reach_without_pipelining(struct run *run, bool again);

/* The latest connection that was opened broke inside TLS. With `again` its host is the next one. */
void reach_without_tls(struct run *run, bool again);
