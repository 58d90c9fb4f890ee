/* SPDX-License-Identifier: ISC */
/*
 * The commands of POP3 (RFC 1939, 2449, 2595, 5034, 6856): one line into one struct. Pure.
 *
 * Tolerant where it harms nobody: words in any case, LF alone as line end (a command carries no
 * body in which something could hide), spaces at the end. Strict elsewhere: one space between the
 * words, no control characters, no argument where none belongs.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"

#define POP3_LINE_MAX 255U /* with CRLF, RFC 2449 §4; AUTH may be longer */

enum pop3_verb {
    POP3_APOP,
    POP3_AUTH,
    POP3_CAPA,
    POP3_DELE,
    POP3_LANG,
    POP3_LIST,
    POP3_NOOP,
    POP3_PASS,
    POP3_QUIT,
    POP3_RETR,
    POP3_RSET,
    POP3_STAT,
    POP3_STLS,
    POP3_TOP,
    POP3_UIDL,
    POP3_USER,
    POP3_UTF8,
    POP3_VERBS,
};

/* Slices point into the line. What a command does not have is zero. */
struct pop3_command {
    enum pop3_verb verb;
    struct slice text; /* USER, APOP: name; PASS: password; AUTH: mechanism; LANG: tag */
    struct slice more; /* APOP: digest; AUTH: initial response, ptr NULL when there is none */
    bool has_number;   /* LIST and UIDL may come without */
    uint32_t number;   /* of a message; a larger one than fits is UINT32_MAX */
    uint32_t lines;    /* TOP; likewise */
};

/*
 * `line` is a line with or without its end. 0; -E_UNKNOWN: no such command; -E_SYNTAX: not the
 * arguments that it takes. `problem` says so in words fit for the reply.
 */
int pop3_parse(struct slice line, struct pop3_command *ret, struct problem *problem);

struct slice pop3_verb_name(enum pop3_verb verb);
