/* SPDX-License-Identifier: ISC */
/*
 * The doors: each protocol in which the outside speaks with the server is one row. From the rows
 * come the ports that the master binds (listeners.c), what an edge does with a connection there
 * (edge.c), and, for a door that leads to a mailbox, who goes on beside it (mail_sessions.c).
 *
 * Such a door has two halves. `serve` is at the edge: greeting, TLS, login. Then it hands over
 * (edge_login.h), by the call mail.session, and `session` goes on in the mail role that owns the
 * mailbox. A ticket of the directory says who has logged in, and at which door.
 */
#pragma once

#include "base/slice.h"
#include "fiber/fiber.h"
#include "role/edge/crowd.h"

struct edge_connection;
struct mail_session;

#define DOOR_PORTS 3U

struct door_port {
    struct slice name; /* "pop3s": of listening sockets, in the log. Empty: no more ports */
    uint16_t number;
    bool tls_first; /* TLS before anything else */
};

struct door {
    struct slice service; /* in calls and tickets: "pop3" */
    const char *protocol; /* for people: "POP3" */
    enum crowd_kind kind; /* of clients: whose connections count together */
    struct door_port ports[DOOR_PORTS];

    /* Whole replies to a client that cannot be let in; before TLS it gets none. */
    const char *too_many;  /* connections from its address */
    const char *full;      /* too many in all */
    const char *no_memory; /* at the edge */

    /* The reply to a login that was right while the mail process cannot take the session, and while
     * its account has too many. */
    const char *away, *crowded;

    /* At the edge: the whole conversation, or up to the login. */
    void (*serve)(struct edge_connection *c) WAITS;

    /* In the mail role: what follows the login. NULL: this door leads to no mailbox. */
    void (*session)(struct mail_session *s) WAITS;
};

/* A table of them, so that tests can have another one. */
struct doors {
    const struct door *list;
    size_t count;
};

extern const struct doors all_doors;

/* The n-th of all ports and its door; NULL: there are no more. */
const struct door_port *doors_port(const struct doors *doors, size_t n, const struct door **ret);

/* The door and port of that name: "submissions". NULL: there is none. */
const struct door *doors_find_port(const struct doors *doors, struct slice name,
                                   const struct door_port **ret_port);

/* The door to mailboxes of that service: "pop3". NULL: there is none. */
const struct door *doors_find_session(const struct doors *doors, struct slice service);
