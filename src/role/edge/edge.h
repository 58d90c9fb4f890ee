/* SPDX-License-Identifier: ISC */
/*
 * Inside the edge role: connections from outside and what each kind of conversation needs.
 *
 *     edge.c         listening, accepting, limits
 *     edge_tls.c     the certificate, handshakes
 *     edge_smtp.c    SMTP: what the session asks (who exists, who may send)
 *     edge_message.c SMTP: collecting a message and handing it to the queue
 *     edge_sender.c  SMTP: having it judged who has sent a message
 *     edge_login.c   logins for a mailbox, and handing over to the mail role
 *     edge_pop3.c    POP3 up to the login
 *     edge_imap.c    IMAP up to the login
 *     edge_log.c     what the journey hears
 *     edge_quiet.c   the bound of what it hears of those who are refused
 *     edge_memory.c  the bound of all that clients fill
 */
#pragma once

#include "io/tls.h"
#include "message/queue_id.h"
#include "proc/process.h"
#include "role/doors.h"
#include "role/routes.h"

struct edge_quiet;

struct edge {
    struct process *process;
    const struct doors *doors;
    struct edge_quiet *quiet;
    struct routes *routes;
    struct queue_ids ids;
    struct edge_certificate *certificate; /* NULL until the keys role has answered */
    unsigned keys_lives;                  /* how many keys processes have gone */
    unsigned confirmed;                   /* `keys_lives` when one said what is to be shown */
    bool apop;                            /* some account has an APOP secret */
    struct crowd crowd;
    size_t held;          /* bytes that conversations keep, as edge_count_memory() was told */
    usec_t short_since;   /* when a shortage of memory was told last; 0: never */
    struct list sessions; /* struct edge_connection */
    uint64_t numbers;     /* that were given to connections which are carried */
    unsigned judged;      /* messages that went to the scan processes, one after the other */
    struct fiber_cond session_ended;
    bool stopping;
};

/* One connection. */
struct edge_connection {
    struct link link;
    struct edge *edge;
    const struct door *door;
    const struct door_port *port;
    struct process_settings *settings; /* those in force when it began */
    struct fiber *fiber;
    struct stream *stream;
    struct net_addr peer;
    char peer_text[NET_TEXT_SIZE];
    struct crowd_place *place;
    uint64_t account; /* who logged in to send; 0: nobody */
    bool login_ended; /* that login counts no more */
    bool carried;     /* its session is beside the mailbox, and its bytes go through here */
    bool taken_back;  /* that session ends, and the client may log in again (RFC 8437) */
    uint64_t number;  /* of one that is carried */
    bool bare_told;   /* a login without TLS */
};

/* Whether there is a certificate. */
bool edge_has_tls(const struct edge *e);

/*
 * Asks whether there is a newer certificate; also after a setting of TLS has changed. Answers come
 * in the order of what the keys role took, so of several fibers the last one has the newest.
 */
int edge_renew_certificate(struct edge *e, struct problem *problem) WAITS;

/* For what should be known before anybody is greeted: the other role may be a little late. */
int edge_insist(struct edge *e, int (*ask)(struct edge *e, struct problem *problem) WAITS,
                struct problem *problem) WAITS;

/* The server's handshake on the connection's stream; the journey hears of one that fails. */
int edge_start_tls(struct edge_connection *c, struct stream *s, struct problem *problem) WAITS;

/* True while so many connections are open that timeouts have to shrink. */
bool edge_under_stress(const struct edge *e);

/*
 * Memory that clients fill (edge_memory.c). Each holder remembers what is counted of it; what is
 * refused when the bound is near is said where it is needed.
 */
size_t edge_memory(const struct edge *e);
bool edge_has_memory(const struct edge_connection *c, size_t more); /* `more` bytes for this one */
bool edge_memory_is_tight(const struct edge *e);                    /* messages go to files early */
bool edge_memory_is_scarce(const struct edge *e);
void edge_count_memory(struct edge *e, size_t *counted, size_t now);

/* 4 or 16 bytes of the peer's address, for the directory. */
static inline struct slice edge_peer_bytes(const struct edge_connection *c) {
    return c->peer.any.sa_family == AF_INET6 ? slice_of(&c->peer.in6.sin6_addr, 16)
                                             : slice_of(&c->peer.in.sin_addr, 4);
}

/*
 * Whether the journey may hear of something more that was refused to this client (edge_quiet.c);
 * and of what it has not heard.
 */
struct edge_quiet *edge_quiet_new(void);
bool edge_may_log(const struct edge_connection *c);
void edge_log_left_out(struct edge *e);

/* The journey hears of a login that was tried, welcome or not (edge_log.c). */
void edge_log_login(const struct edge_connection *c, const struct login *login, struct slice name);

/* The same of the first login without TLS, where none is taken; `name` may be empty. */
void edge_log_bare_login(struct edge_connection *c, struct slice name);

static inline struct rpc_link *edge_link(const struct edge_connection *c, enum role role) {
    return process_link(c->edge->process, role, 0);
}
