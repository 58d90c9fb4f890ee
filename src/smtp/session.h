/* SPDX-License-Identifier: ISC */
/*
 * The server's side of SMTP, from greeting to QUIT: receiving on port 25, submission on 587 and 465
 * (RFC 5321, RFC 6409, RFC 8314). The session knows the protocol, its order and its limits; what
 * lies behind (who exists, who may log in, where messages go) it reaches through a table of
 * functions. The edge role fills it with calls to other roles, tests fill it with fakes.
 */
#pragma once

#include "auth/sasl.h"
#include "io/net.h"
#include "io/tls.h"
#include "message/queue_id.h"
#include "message/scan.h"
#include "smtp/command.h"

/* Sizes in bytes, spans in microseconds, both as in the settings of the same names. */
struct smtp_limits {
    size_t command_line_max; /* 4096; with CRLF */
    size_t auth_line_max;    /* 12288, at most STREAM_WINDOW; AUTH and the lines that follow it */
    size_t text_line_max;    /* 8192; with CRLF */
    uint64_t header_max;     /* 256 KiB; submission 1 MiB */
    uint64_t message_size_max;
    unsigned recipients_max;
    unsigned messages_per_connection;
    unsigned received_max; /* Received fields: a loop (RFC 5321 §6.3) */
    unsigned soft_errors;  /* behind so many, each error reply is held back for error_delay */
    unsigned
        hard_errors; /* with so many, 421 and close; an accepted message starts the count anew */
    unsigned junk_commands; /* commands without progress; counted like errors */
    unsigned login_failures;
    usec_t timeout;        /* for a command line, and for each wait inside a message */
    usec_t login_timeout;  /* for a command line on a submission port before the login */
    usec_t stress_timeout; /* in place of both while the host is under stress */
    usec_t greeting_wait;  /* who talks within this time before the greeting is refused; 25 only */
    usec_t error_delay;
    size_t min_rate; /* of a message, bytes per second; 0: none */
};

/* The defaults of a receiving port. */
extern const struct smtp_limits smtp_limits_default;

enum smtp_service {
    SMTP_RECEIVING,  /* port 25: messages from other servers; no login */
    SMTP_SUBMISSION, /* ports 587 and 465: messages of our own users; login required */
};

/* What all connections of a port have in common. Unchanged while one of them lives. */
struct smtp_listener {
    enum smtp_service service;
    struct slice hostname; /* for the greeting: the full name of this server */
    struct slice banner;   /* behind the name and "ESMTP"; may be empty */
    bool tls;              /* there is a certificate: STARTTLS is offered */
    bool tls_first;        /* port 465: TLS before the greeting; without `tls` nobody is greeted */
    bool plaintext_login;  /* passwords are taken without TLS too */
    struct smtp_limits limits;
};

/* Who is on the other side, as far as known. Given to each call of the host. */
struct smtp_client {
    struct net_addr peer;
    struct slice hello; /* argument of HELO or EHLO; empty: none yet */
    bool extended;      /* it was EHLO */
    bool tls;           /* then: */
    struct tls_facts tls_facts;
    struct slice account; /* login; empty: none */
};

/* What the recipients of one envelope may take, as they are counted: then it is 452 4.5.3. */
#define SMTP_ENVELOPE_MAX ((size_t)1792 * 1024)

/* From MAIL to the end of DATA. */
struct smtp_transaction {
    queue_id id;              /* the journey's name, given by the host in `sender` */
    struct envelope envelope; /* its recipients: the accepted ones, in order, each address once */
    uint64_t size;            /* as said in MAIL; 0: not said */
    void *message;            /* for the host */
};

/* Who the client says it is. The host tells the account from the name. */
struct smtp_login {
    const char *mechanism; /* "PLAIN" */
    const struct sasl_credentials *credentials;

    /*
     * Asks the client on, in a login of several steps: 0 with his response, or an error behind
     * which login() ends with the same.
     */
    int (*ask)(const struct smtp_login *login, struct slice challenge,
               struct slice *ret_response) WAITS;
};

enum smtp_event_kind {
    SMTP_EVENT_CONNECT,      /* text: the client's address */
    SMTP_EVENT_COMMAND,      /* text: the line, without the secrets of AUTH */
    SMTP_EVENT_REPLY,        /* text: "250 2.1.0 OK" */
    SMTP_EVENT_TLS,          /* text: version and cipher, or what failed */
    SMTP_EVENT_LOGIN,        /* text: account */
    SMTP_EVENT_LOGIN_FAILED, /* text: name that was tried */
    SMTP_EVENT_LOGIN_BARE,   /* a login without TLS, which was not let begin */
    SMTP_EVENT_MESSAGE, /* text: the reply behind the message, or why it was not read to its end */
    SMTP_EVENT_CLOSE,   /* text: why the conversation ended */
};

/*
 * What the session asks of the rest. All of them may wait. Those that answer fill `ret_reply`,
 * whose text lives in the arena (gone behind the command) or longer; they return 0, or negative
 * when no answer can be had (a role has died): then the client gets a 451.
 */
struct smtp_host {
    void *arg; /* of this connection: first argument of all functions */

    /* May this client speak at all? A reply that is not 2xx is sent instead of the greeting. */
    int (*admit)(void *arg, const struct smtp_client *client, struct arena *a,
                 struct smtp_reply *ret_reply) WAITS;

    /*
     * TLS handshake on the session's stream, whose output is flushed and whose input was dropped:
     * tls_accept() and tls_facts(). Negative with a sentence: the conversation ends. NULL if the
     * listener has no TLS.
     */
    int (*start_tls)(void *arg, struct stream *s, struct tls_facts *ret_facts,
                     struct problem *problem) WAITS;

    /* True while the server is short of something: timeouts shrink. Does not wait. */
    bool (*under_stress)(void *arg);

    /* Why the conversation was cancelled: the login counts no more. NULL: it never is so. */
    bool (*login_ended)(void *arg);

    /*
     * So many bytes of the client's envelope are kept from now on, in place of those before. False:
     * the server has no room for more, and all stays as it was. Does not wait. NULL: no bound.
     */
    bool (*keep)(void *arg, size_t bytes);

    /*
     * MAIL: may the client send as this address? Gives the message its id. When `ret_reply` has a
     * code already the session refuses the message (its SIZE); it is asked so that this is known.
     */
    int (*sender)(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                  struct arena *a, struct smtp_reply *ret_reply) WAITS;

    /* RCPT: is there such an address, and may the client send there? */
    int (*rcpt)(void *arg, const struct smtp_client *client, const struct smtp_transaction *t,
                struct slice address, struct arena *a, struct smtp_reply *ret_reply) WAITS;

    /*
     * AUTH: 0 and the account, -E_REFUSED, or another error when it cannot be told now. Waits as
     * long as guessing is to be slowed down.
     */
    int (*login)(void *arg, const struct smtp_client *client, const struct smtp_login *login,
                 struct arena *a, struct slice *ret_account) WAITS;

    /*
     * DATA. A begun message sees any number of writes and then exactly one of end and abort. A
     * reply of begin that is not 3xx refuses DATA, and the message was not begun. When a write
     * fails, the rest is read and dropped, the message aborted, and the client gets a 451 (-ENOSPC,
     * -E_LIMIT: 452 4.3.1). The reply of end is the client's: 2xx only when the message is safe (D1
     * in docs/architecture.md). Abort is told the reply that the client gets behind the message;
     * code 0: none, since the client was lost, and the text says how.
     */
    int (*message_begin)(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                         struct arena *a, struct smtp_reply *ret_reply) WAITS;
    int (*message_write)(void *arg, struct smtp_transaction *t, struct slice chunk) WAITS;
    int (*message_end)(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                       const struct message_scan *facts, struct arena *a,
                       struct smtp_reply *ret_reply) WAITS;
    void (*message_abort)(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                          const struct smtp_reply *reply) WAITS;

    /* For the journey and the log; NULL: nobody wants them. `id` is 0 outside a transaction. */
    void (*event)(void *arg, enum smtp_event_kind kind, queue_id id, struct slice text);
};

/*
 * Leads one conversation from the greeting to its end. The stream stays the caller's, who frees it
 * afterwards; it is flushed. `listener` and `host` outlive the call.
 */
void smtp_session(struct stream *s, const struct smtp_host *host,
                  const struct smtp_listener *listener, const struct net_addr *peer) WAITS;
