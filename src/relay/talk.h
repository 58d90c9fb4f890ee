/* SPDX-License-Identifier: ISC */
/*
 * Inside of the client: its state, commands out and replies in, the record of the dialogue. For
 * the files of the client only.
 */
#pragma once

#include "relay/client.h"

enum relay_extension {
    EXTENSION_PIPELINING = 1 << 0,
    EXTENSION_SIZE = 1 << 1,
    EXTENSION_8BITMIME = 1 << 2,
    EXTENSION_STARTTLS = 1 << 3,
    EXTENSION_DSN = 1 << 4,
    EXTENSION_SMTPUTF8 = 1 << 5,
    EXTENSION_REQUIRETLS = 1 << 6,
};

enum relay_mechanism {
    MECHANISM_PLAIN = 1 << 0,
    MECHANISM_LOGIN = 1 << 1,
    MECHANISM_CRAM_MD5 = 1 << 2,
};

struct relay_client {
    uint32_t magic;
    struct stream *stream;
    struct relay_client_options options; /* slices point into `texts` */
    struct arena texts;
    unsigned extensions;
    unsigned mechanisms; /* offered for a login */
    uint64_t size_limit; /* 0: none said */
    struct buf dialogue;
    bool dialogue_cut;
    unsigned messages;
    bool tls;
    struct slice secrecy; /* then: a sentence about it; in `texts` */
    bool needs_reset;     /* a transaction is open at the peer */
    bool unanswered;      /* the peer said nothing since the present message began */
    bool one_by_one;  /* each reply is awaited, and each recipient has a transaction of its own */
    bool out_of_step; /* the peer has said more than it was asked: its refusals may be stale */
    bool begin_anew;  /* it was given up for that: what was asked is to be asked again */
    bool breaks_pipelining; /* it may have failed because commands came in a group */
    bool over;              /* nothing more can be said */
};
#define RELAY_CLIENT_MAGIC 0x52434c54U

/* Writes one command line, to which CRLF is added, and records it. */
void talk_command(struct relay_client *c, struct slice line) WAITS;

/* The same for a line that nobody else should see: `shown` is recorded instead. */
void talk_secret(struct relay_client *c, struct slice line, struct slice shown) WAITS;

/* Whether a peer says our password, which is to stand nowhere; while the session is opened. */
bool talk_tells_secret(const struct relay_client *c, struct slice text);

/*
 * Reads one reply. Negative: the session is over, and `ret_reply` has our own words about that,
 * with `step` ("MAIL") in them; it is written in any case. A refusal whose end does not come is
 * one, and the session is over behind it.
 */
int talk_reply(struct relay_client *c, const char *step, usec_t timeout, struct arena *a,
               struct smtp_reply *ret_reply) WAITS;

/* The same for the greeting: whoever says anything but a reply first does not speak SMTP. */
int talk_greeting(struct relay_client *c, struct arena *a, struct smtp_reply *ret_reply) WAITS;

/*
 * Passes over what the peer has said behind its go-ahead for the message: a yes, or another
 * go-ahead, before the message is complete is no answer to it. A refusal stays (RFC 5321 §4.2.1).
 */
void talk_pass_over_early(struct relay_client *c) WAITS;

/*
 * Passes over what the peer has said while nothing was asked: it answers nothing, and taken for an
 * answer it would hit the wrong question. 421 stays, which may come at any time (RFC 5321 §3.8).
 * True: there was some, and the session is out of step from here on. Waits only for the end of a
 * reply that has begun, and, where commands go one by one, a moment for what is on its way.
 */
bool talk_pass_over_surplus(struct relay_client *c) WAITS;

/*
 * Like talk_reply() for the reply to the final dot: also a yes whose end does not come is one,
 * since not to take it would mean that the message arrives twice. Another go-ahead is none, if
 * anything follows it.
 */
int talk_verdict(struct relay_client *c, const char *step, struct arena *a,
                 struct smtp_reply *ret_reply) WAITS;

/*
 * After a failed write: the reply that the peer gave before it hung up, if there is a whole one.
 * Takes a few seconds at most. Negative: there is none. The session is over in any case.
 */
int talk_last_reply(struct relay_client *c, struct arena *a, struct smtp_reply *ret_reply) WAITS;

/* Our own words for an error of the stream. */
struct smtp_reply talk_lost(const struct relay_client *c, const char *step, int error,
                            struct arena *a);

/* A result from a peer's reply: the disposition by its class, a status in any case. */
struct relay_result talk_result(const struct smtp_reply *reply);

/* The same where only another reply would have meant success: a yes makes no sense there. */
struct relay_result talk_refusal(const struct relay_client *c, struct arena *a,
                                 const struct smtp_reply *reply);

/*
 * Logs in as options.login says, with a mechanism that both sides know. 0, or negative with
 * `failure` filled, which is a passing one whatever the peer says: it is no fault of the message.
 */
int login(struct relay_client *c, struct arena *a, struct relay_failure *failure) WAITS;

/*
 * Writes the message with its dots stuffed, up to the final dot, without flushing. Negative: the
 * message could not be read here; errors of the stream stick to the stream.
 */
int body_write(struct stream *s, const struct relay_message *message) WAITS;
