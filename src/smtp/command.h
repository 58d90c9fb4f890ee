/* SPDX-License-Identifier: ISC */
/*
 * The grammar of SMTP commands (RFC 5321 §4.1, RFC 3461, RFC 4954). Pure: a line in, a struct or a
 * fault with its place out. Nothing here knows the state of a session.
 */
#pragma once

#include "base/arena.h"
#include "message/address/address.h"
#include "message/envelope.h"
#include "smtp/reply.h"

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
    SMTP_VERB_HELO,
    SMTP_VERB_EHLO,
    SMTP_VERB_MAIL,
    SMTP_VERB_RCPT,
    SMTP_VERB_DATA,
    SMTP_VERB_RSET,
    SMTP_VERB_NOOP,
    SMTP_VERB_QUIT,
    SMTP_VERB_HELP,
    SMTP_VERB_VRFY,
    SMTP_VERB_EXPN,
    SMTP_VERB_ETRN,
    SMTP_VERB_STARTTLS,
    SMTP_VERB_AUTH,
    SMTP_VERB_COUNT,
};

/* A line taken apart once. Slices point into the line. */
struct smtp_command {
    enum smtp_verb verb;
    struct slice line;     /* without CRLF */
    struct slice word;     /* the verb as sent */
    struct slice argument; /* without blanks at its ends */
};

/* What is wrong with a line: the reply to give, the place, and the rule there. */
struct smtp_fault {
    unsigned code;
    struct smtp_status status;
    size_t at;            /* byte of the line, from 0 */
    const char *expected; /* "a line has no NUL byte" */
};

/* "501 5.5.4 Column 11: a label begins and ends with a letter or digit", text in the arena. */
struct smtp_reply smtp_fault_reply(const struct smtp_fault *fault, struct arena *a);

/*
 * Takes a line with its end as sent. -E_SYNTAX with a fault: no CRLF at the end, another CR or LF,
 * NUL, a byte above 127 (but in HELO, EHLO, MAIL and RCPT, whose parsers answer that), an argument
 * where none may be, or none where one is due. A verb that we do not know is SMTP_VERB_UNKNOWN and
 * no fault.
 */
int smtp_command_parse(struct slice line, struct smtp_command *ret, struct smtp_fault *fault);

enum smtp_verb smtp_verb_find(struct slice word); /* in any case */
const char *smtp_verb_name(enum smtp_verb verb);  /* "EHLO" */
const char *smtp_verb_usage(enum smtp_verb verb); /* "EHLO host", for HELP; NULL: not offered */

/*
 * HELO and EHLO: a domain or an address literal such as "[192.0.2.1]" or "[IPv6:2001:db8::1]". An
 * address without brackets gets them.
 */
int smtp_hello_parse(const struct smtp_command *c, struct arena *a, struct slice *ret_name,
                     struct smtp_fault *fault);

/* MAIL FROM:<reverse-path> with its parameters. Text is in the arena. */
struct smtp_mail {
    struct address sender;    /* may be the null path <> */
    uint64_t size;            /* SIZE=, 0: not said */
    enum body_type body_type; /* BODY= */
    enum dsn_return ret;      /* RET= */
    struct slice envid;       /* ENVID= as given; empty: none */
    struct slice submitter;   /* AUTH=, decoded; empty: none. Nobody is believed to be it */
    bool require_tls;         /* REQUIRETLS (RFC 8689) */
};
int smtp_mail_parse(const struct smtp_command *c, struct arena *a, struct smtp_mail *ret,
                    struct smtp_fault *fault);

/* RCPT TO:<forward-path> with its parameters. Text is in the arena. */
struct smtp_rcpt {
    struct address recipient; /* never null; <postmaster> has no domain */
    unsigned notify;          /* NOTIFY= as a set of enum dsn_notify; 0: not said */
    struct slice original;    /* ORCPT= as given ("rfc822;tama+2Bx@example.org"); empty: none */
};
int smtp_rcpt_parse(const struct smtp_command *c, struct arena *a, struct smtp_rcpt *ret,
                    struct smtp_fault *fault);

/* AUTH mechanism [initial-response] (RFC 4954 §4). */
struct smtp_auth {
    struct slice mechanism; /* as sent; letters, digits, '-' and '_', at most 20 */
    struct slice initial;   /* base64 as sent, or "="; ptr NULL: none */
};
int smtp_auth_parse(const struct smtp_command *c, struct smtp_auth *ret, struct smtp_fault *fault);
