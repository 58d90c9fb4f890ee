/* SPDX-License-Identifier: ISC */
/*
 * What both halves of a POP3 conversation share: reading commands within limits of time and length,
 * and saying no. Replies are collected by the stream and leave when it has to wait for input.
 */
#pragma once

#include "io/stream.h"
#include "pop3/command.h"

struct pop3_connection {
    struct stream *stream;
    usec_t timeout;      /* in which a whole command must come */
    unsigned commands;   /* read so far, the bad ones too */
    unsigned errors;     /* refused so far */
    unsigned errors_max; /* the conversation ends with this one */
    bool japanese;       /* the language of replies (RFC 6856 §3): those that words.h has */
};

/*
 * Reads the next well-formed command, refusing others. Its slices are valid until the next read.
 * 0; -E_REFUSED: too many errors, the client has been told; other errors of streams. The client is
 * told nothing when its time is up (RFC 1939 §3).
 */
int pop3_next(struct pop3_connection *c, struct pop3_command *ret) WAITS;

/* A line outside commands (AUTH), without its end. -E_LIMIT: too long, and skipped. */
int pop3_read_line(struct pop3_connection *c, size_t max, struct slice *ret) WAITS;

/* Answers "+OK ...", and "-ERR ..." where nothing is wrong with the command. */
void pop3_ok(struct pop3_connection *c, const char *format, ...) PRINTF_LIKE(2, 3) WAITS;
void pop3_cannot(struct pop3_connection *c, const char *format, ...) PRINTF_LIKE(2, 3) WAITS;

/* LANG, in either half: the languages, or another one from here on. */
void pop3_reply_lang(struct pop3_connection *c, const struct pop3_command *command) WAITS;

/* Answers "-ERR ..." and counts. 0, or -E_REFUSED when that was one too many. */
int pop3_refuse(struct pop3_connection *c, const char *format, ...) PRINTF_LIKE(2, 3) WAITS;
