/* SPDX-License-Identifier: ISC */
/*
 * What both halves of an IMAP conversation share: reading commands, saying no, responses on their
 * way. Responses are collected by the stream and leave when it has to wait for input.
 */
#pragma once

#include "imap/capability.h"
#include "imap/syntax/append.h"

struct imap_connection {
    struct stream *stream; /* the caller's */
    struct imap_reader reader;
    struct imap_mode mode;        /* what commands mean just now: the caller's */
    uint64_t message_max;         /* what is told of APPEND: the caller's; 0: nothing */
    unsigned messages_max;        /* what is told of commands about many: the same */
    struct slice off;             /* capabilities that are not announced: the caller's */
    struct slice mark;            /* written before each command is read: the caller's */
    struct arena arena;           /* of the command at hand */
    int (*wait)(void *arg) WAITS; /* until a command comes, for who has more to do meanwhile; 0, or
                                     an error that ends the conversation. NULL: nobody has */
    void *wait_arg;
    struct buf out;
    struct imap_writer writer; /* into `out` */
    unsigned commands;         /* read so far, the bad ones too */
    unsigned errors;           /* answered with BAD so far */
    unsigned forgiven;         /* of them: those before the last command that was none */
    unsigned errors_max;       /* the conversation ends when so many are not forgiven */
};

/* `timeout`: in which a command must come, and in which the next must begin. */
void imap_connection_init(struct imap_connection *c, struct stream *s,
                          const struct imap_reader_limits *limits, usec_t timeout,
                          unsigned errors_max);
void imap_connection_done(struct imap_connection *c);

/*
 * Reads the next command that is one, answering others with BAD. What it has is valid until the
 * next read. 0; -E_REFUSED: the client has been told that the conversation ends; other errors of
 * streams.
 */
int imap_connection_next(struct imap_connection *c, struct imap_command *ret) WAITS;

/*
 * For who waits for the client, which may say nothing for days: gives up what was read, and what
 * the command has in the arena is not valid any more.
 */
void imap_connection_rest(struct imap_connection *c);

/*
 * The command that was read last, once more, with all that it has in this arena: for what outlives
 * it. -E_LIMIT: its text has more than `max` bytes, or sets that were read as they came.
 */
int imap_connection_keep(const struct imap_connection *c, size_t max, struct arena *a,
                         struct imap_command *ret);

/* Hands what is in `out` to the stream. */
void imap_send(struct imap_connection *c) WAITS;

/* A sentence for the client, in its language if that has the format (words.h). */
void imap_sentence_v(const struct imap_writer *w, struct problem *ret, const char *format,
                     va_list args);

/*
 * A whole status response: tag ("*": none), "OK", "NO", "BAD", "BYE", a response code of one word
 * or NULL, and a sentence.
 */
void imap_say(struct imap_connection *c, struct slice tag, const char *status, const char *code,
              const char *format, ...) PRINTF_LIKE(5, 6) WAITS;

/* Answers BAD and counts. 0, or -E_REFUSED when that was one too many. */
int imap_bad(struct imap_connection *c, struct slice tag, const char *format, ...)
    PRINTF_LIKE(3, 4) WAITS;

/* "OK" with all that is offered in its code, and a sentence: the greeting, or behind a login. */
void imap_welcome(struct imap_connection *c, struct slice tag, const struct door_offer *offer,
                  bool logged_in, struct slice text) WAITS;

/* ------------------------------------------------------------------ commands of any state */

void imap_reply_capability(struct imap_connection *c, const struct imap_command *command,
                           const struct door_offer *offer, bool logged_in) WAITS;

/* RFC 2971. What the client says of itself decides nothing (§3.3). */
void imap_reply_id(struct imap_connection *c, const struct imap_command *command) WAITS;

/* Says goodbye; to end the conversation is the caller's. */
void imap_reply_logout(struct imap_connection *c, const struct imap_command *command) WAITS;
