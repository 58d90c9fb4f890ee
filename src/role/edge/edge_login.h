/* SPDX-License-Identifier: ISC */
/*
 * Logins at the doors to mailboxes, and handing over: what all these doors have in common at the
 * edge. A plain connection is passed to the mail role as a descriptor and is no more the edge's
 * business. Of a TLS connection the edge goes on carrying the bytes, both ways, between the TLS
 * stream and a socket whose other end the mail role has.
 */
#pragma once

#include "auth/door.h"
#include "people/login.h"
#include "role/edge/edge.h"
#include "role/ticket.h"

/* Who has logged in. */
struct edge_login {
    uint64_t account;
    uint32_t shard;
    uint64_t quota;
    char address[320];
    char ticket[TICKET_SIZE];
    struct slice passed_on; /* to the door's other half, by its first one: of IMAP the tag of the
                               login, of POP3 the language; at most EDGE_PASSED_ON_MAX bytes, the
                               door's own */
};

#define EDGE_PASSED_ON_MAX 8192U

/*
 * Asks the directory, for the door of the connection; `request` says who comes, all but the peer.
 * 0; -E_REFUSED: wrong name or password, held back as long as the directory wants; -E_BUSY: too
 * many attempts from there; -ECANCELED; -E_TEMPORARY or another error: it cannot be checked now.
 */
int edge_log_in(struct edge_connection *c, const struct login_request *request,
                struct edge_login *ret) WAITS;

/*
 * Hands the conversation to the mail role. A mail process that is just being started again is
 * waited for; when it stays away the client gets the door's reply. NULL: the connection has gone,
 * as a descriptor or for good; else the stream to carry on with (stream_carry), under TLS.
 */
struct stream *edge_hand_over(struct edge_connection *c, struct edge_login *login,
                              bool tls_active) WAITS;

/* ------------------------------------------------------------------ a door, up to the login */

/*
 * What is gone when the conversation goes on, perhaps for hours.
 *
 *     struct edge_door *d = edge_door_new(c, time-out of a command);
 *     fill in the limits of d->config
 *     if (edge_door_open(d) == 0)
 *         end = PROTOCOL_login(c->stream, &d->config, &edge_door_host, d, &counts);
 *     carry(c, edge_door_close(d, end, counts.tls_active))
 */
struct edge_door {
    struct edge_connection *connection;
    struct door_config config; /* host name, time-out and offer are there */
    struct edge_login login;
};
struct edge_door *edge_door_new(struct edge_connection *c, usec_t timeout);

/* What it is to the protocol, whose argument is the struct edge_door. */
extern const struct door_host edge_door_host;

/* TLS, at a port where it comes first; has the time of one command. 0, or the connection ends. */
int edge_door_open(struct edge_door *d) WAITS;

/* Hands over who has logged in, says end to others, and frees `d`. What edge_hand_over() gives. */
struct stream *edge_door_close(struct edge_door *d, enum door_end end, bool tls_active) WAITS;
