/* SPDX-License-Identifier: ISC */
/*
 * The client's side of one SMTP connection (RFC 5321): greeting, EHLO or HELO, STARTTLS when both
 * sides can (RFC 3207), a login where one is given (RFC 4954), then message after message, QUIT.
 *
 *     r = relay_client_open(stream, &options, &voice, arena, &client, &failure);
 *     r = relay_client_send(client, &message, arena, results);
 *     relay_client_close(client);
 *
 * Messages with bytes above 127 go to hosts without 8BITMIME as they are, as most servers do today;
 * the option strict_8bit refuses them with 5.6.3 instead (RFC 6152 §3 leaves only that or
 * conversion, and conversion breaks signatures).
 */
#pragma once

#include "io/stream.h"
#include "policy/tls_policy.h"
#include "relay/message.h"

struct relay_client;

/* How long the other side may take for each step (RFC 5321 §4.5.3.2). */
struct relay_timeouts {
    usec_t greeting;
    usec_t command;    /* EHLO, HELO and STARTTLS */
    usec_t tls;        /* the handshake */
    usec_t mail;       /* MAIL and RSET */
    usec_t rcpt;       /* each recipient */
    usec_t data_start; /* the reply to DATA */
    usec_t data_block; /* each piece of the message that is sent */
    usec_t data_end;   /* the reply to the final dot */
    usec_t quit;
};
#define RELAY_TIMEOUTS_DEFAULT                                                                     \
    {                                                                                              \
        .greeting = 5 * USEC_MIN, .command = 5 * USEC_MIN, .tls = USEC_MIN, .mail = 5 * USEC_MIN,  \
        .rcpt = 5 * USEC_MIN, .data_start = 2 * USEC_MIN, .data_block = 3 * USEC_MIN,              \
        .data_end = 10 * USEC_MIN, .quit = 5 * USEC_SEC                                            \
    }

/* How we log in at a host. */
struct relay_login {
    struct slice user;
    struct slice password; /* ptr NULL: it is not known, so nothing is sent */
    bool without_tls;      /* if need be */
};

struct relay_client_options {
    struct slice helo;        /* our own name */
    struct slice peer;        /* for people: "mx1.example.net [192.0.2.1]" */
    struct tls_context *tls;  /* NULL: never TLS */
    struct tls_policy policy; /* what is borrowed in it is needed until the session is open */
    bool tls_first;           /* it begins before the greeting (RFC 8314 §3.3) */
    const struct relay_login *login; /* NULL: none; needed until the session is open */
    bool strict_8bit;
    bool helo_only;     /* EHLO is not tried: a message that needs an extension waits */
    bool no_pipelining; /* although it is offered */
    bool one_by_one;    /* each reply is awaited, and each message has one recipient */
    struct relay_timeouts timeouts;
};

/* Why a connection could not be opened; in form of the result that recipients may get. */
struct relay_failure {
    struct relay_result result;
    bool tls_failed;   /* another connection, without TLS, may do better */
    bool ehlo_failed;  /* another connection, with HELO, may do better */
    bool ourselves;    /* no host of its preference or behind it is to be tried */
    bool login_failed; /* a matter for the postmaster of this host */
    struct slice dialogue;
};

/*
 * Opens the session; takes over the stream in any case. Options are copied. 0, or negative with
 * `ret_failure` filled (its text in the arena): -ECANCELED, -E_TLS, -E_REFUSED (the peer said so),
 * or what happened to the stream.
 */
int relay_client_open(struct stream *stream, const struct relay_client_options *options,
                      const struct relay_voice *voice, struct arena *a,
                      struct relay_client **ret_client, struct relay_failure *ret_failure) WAITS;

/*
 * Hands over one message and fills results[0..message->envelope.count), in any case. 0: the session
 * may be used for another message; negative: it is over, only relay_client_free() remains.
 */
int relay_client_send(struct relay_client *c, const struct relay_message *message, struct arena *a,
                      struct relay_result *results) WAITS;

/* The last relay_client_send() failed before the peer said anything: it hung up while idle. */
bool relay_client_unanswered(const struct relay_client *c);

/* For a session that was idle: false when the peer has hung up or said something meanwhile. */
bool relay_client_alive(struct relay_client *c) WAITS;

/* Says QUIT, waits for the reply and frees the client. */
void relay_client_close(struct relay_client *c) WAITS;
void relay_client_free(struct relay_client *c); /* hangs up at once; NULL is fine */

/*
 * The dialogue since the session began or this was last called, for people: lines "C: MAIL ..." and
 * "S: 250 ...", without the message. At most RELAY_DIALOGUE_MAX bytes. In the arena.
 */
#define RELAY_DIALOGUE_MAX 16384U
struct slice relay_client_take_dialogue(struct relay_client *c, struct arena *a);

struct slice relay_client_peer(const struct relay_client *c); /* as in the options */
unsigned relay_client_messages(const struct relay_client *c); /* messages handed over so far */
bool relay_client_tls(const struct relay_client *c);
struct slice relay_client_secrecy(const struct relay_client *c); /* for people: which, and why */

/* The host has said more than it was asked: it is to be given one recipient at a time. */
bool relay_client_one_by_one(const struct relay_client *c);

/* What the host refuses in this session is in doubt, so another message needs another one. */
bool relay_client_doubted(const struct relay_client *c);

/* The last relay_client_send() failed, perhaps since commands came together, as was offered. */
bool relay_client_breaks_pipelining(const struct relay_client *c);

/* The last relay_client_send() gave up because of that; over a new connection it may go better. */
bool relay_client_begins_anew(const struct relay_client *c);
