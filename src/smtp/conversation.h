/* SPDX-License-Identifier: ISC */
/*
 * What the commands of a session share: its state, and speaking to the client. Inside this folder
 * only; others use smtp/session.h.
 */
#pragma once

#include "smtp/session.h"

struct smtp_session {
    struct stream *stream;
    const struct smtp_host *host;
    const struct smtp_listener *listener;
    struct smtp_client client;
    struct buf hello, account; /* behind the slices of the client */

    struct arena arena; /* of the present command */

    struct smtp_transaction *transaction; /* NULL outside of one */
    struct recipient *recipients;         /* of its envelope */
    size_t recipients_room;
    struct arena kept; /* of the transaction: its struct, and the texts of its envelope */
    size_t kept_size;  /* as the host was told */

    unsigned errors, junk; /* since the last accepted message */
    unsigned messages, login_failures;
    unsigned rcpts;      /* RCPT commands of this transaction */
    bool behind_bare_lf; /* the line before did not end with CRLF */
    bool closing;        /* the conversation ends behind the present command */
    const char *close_reason;
};

/*
 * Sends a reply. Errors (5xx) are counted: behind the soft limit they are held back a little, at
 * the hard limit a 421 follows. Code 421 ends the conversation.
 */
void smtp_send_reply(struct smtp_session *s, const struct smtp_reply *reply) WAITS;
void smtp_reply_fault(struct smtp_session *s, const struct smtp_fault *fault) WAITS;

#define SMTP_SEND_REPLY(s, code, class, subject, detail, text)                                     \
    smtp_send_reply((s), &SMTP_REPLY(code, class, subject, detail, text))
#define SMTP_SEND_PLAIN(s, code, text) smtp_send_reply((s), &SMTP_REPLY_PLAIN(code, text))

/*
 * Counts a command that brought no message forward. False: that was one too many, and a 421 has
 * ended the conversation.
 */
bool smtp_count_junk(struct smtp_session *s) WAITS;

/* To a message above the limit of the listener, which it names. */
struct smtp_reply smtp_too_large(struct smtp_session *s);

/* The host's answer, or a 451 in place of one that could not be had. */
struct smtp_reply smtp_answer(int error, const struct smtp_reply *reply);

/* Ends the conversation behind the present command, without a further word. */
void smtp_close(struct smtp_session *s, const char *reason);

/* The stream failed with `error`: a last 421 where the client may still hear it, then the end. */
void smtp_lost(struct smtp_session *s, int error) WAITS;

/*
 * The next line from the client, with its end, within the timeout that holds now. -E_LIMIT: it was
 * too long, or the rest of one with a bare LF in it, is dropped, and the client has been told.
 * Other errors: the conversation has ended.
 */
int smtp_read_line(struct smtp_session *s, size_t max, struct slice *ret_line) WAITS;

/* How long the client may take for a line, or inside a message. */
usec_t smtp_timeout(const struct smtp_session *s);

void smtp_event(struct smtp_session *s, enum smtp_event_kind kind, struct slice text);

/* Tells the host what the envelope takes from now on; false: there is no room for so much. */
bool smtp_keep(struct smtp_session *s, size_t bytes);

/* Forgets the envelope, and gives its memory back. */
void smtp_transaction_end(struct smtp_session *s);

/* Handshake, within the timeout. False: the conversation has ended. */
bool smtp_start_tls(struct smtp_session *s) WAITS;

/* ------------------------------------------------------------------ commands */

typedef void smtp_command_fn(struct smtp_session *s, const struct smtp_command *c) WAITS;

smtp_command_fn smtp_cmd_helo WAITS, smtp_cmd_ehlo WAITS, smtp_cmd_starttls WAITS; /* cmd_hello.c */
smtp_command_fn smtp_cmd_auth WAITS;                                               /* cmd_auth.c */
smtp_command_fn smtp_cmd_mail WAITS, smtp_cmd_rcpt WAITS, smtp_cmd_rset WAITS; /* cmd_envelope.c */
smtp_command_fn smtp_cmd_data WAITS;                                           /* cmd_data.c */
