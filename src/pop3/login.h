/* SPDX-License-Identifier: ISC */
/*
 * POP3 before login (RFC 1939 §4, the AUTHORIZATION state): greeting, who comes, and STLS. It ends
 * without an answer to the command that succeeded: whoever owns the mailbox gives that one, when
 * the mailbox is open (pop3/session.h). So the caller
 *
 *     switch (pop3_login(s, &config, &host, host_arg, &counts)) {
 *     case POP3_END_LOGIN:  hands over: stream_detach(), with the input that was not read yet
 *     default:              stream_shutdown(), stream_free()
 *     }
 *
 * All output has been flushed when it ends with POP3_END_LOGIN.
 */
#pragma once

#include "pop3/capability.h"
#include "pop3/connection.h"

/* One attempt to log in; bytes are valid during the call. Either a password or a digest. */
struct pop3_attempt {
    const char *mechanism; /* "USER", "APOP", or of SASL: "PLAIN" */
    struct slice name;
    struct slice act_as;   /* SASL: wants to act as this one; empty: as itself */
    struct slice password; /* ptr NULL for APOP */
    struct slice stamp;    /* APOP: what the digest was made of, with the secret */
    struct slice digest;
};

/* What the login needs from its surroundings. `host` is the argument given to pop3_login(). */
struct pop3_login_host {
    /*
     * Checks an attempt and remembers the account when it is good; holds back the refusal of bad
     * ones as long as it sees fit. 0; -E_REFUSED: wrong name or password, or
     * whatever else is not to be told apart from that; -E_BUSY: too many attempts from there;
     * anything else: cannot be checked now.
     */
    int (*login)(void *host, const struct pop3_attempt *attempt) WAITS;

    /* One was refused before it began, since there is no TLS; the name may be empty. May be NULL.
     */
    void (*bare_login)(void *host, struct slice name);

    /* The TLS handshake; the stream is flushed and holds no input. 0, or the connection ends. */
    int (*starttls)(void *host, struct stream *s) WAITS;
};

struct pop3_login_config {
    struct slice hostname;   /* for the greeting */
    bool apop;               /* somebody here has an APOP secret: greet with a timestamp */
    struct pop3_offer offer; /* as the connection begins */
    usec_t timeout;          /* for each command; 60 s */
    unsigned errors_max;     /* 10 */
    unsigned refused_max;    /* failed logins; 5 */
    unsigned commands_max;   /* of any kind; 50 */
};

/* The settings' defaults; hostname and offer are to be filled in. */
extern const struct pop3_login_config pop3_login_defaults;

/* What happened, for the log. */
struct pop3_login_counts {
    unsigned commands, errors, refused;
    bool tls_active; /* at the end: after STLS too */
};

enum pop3_end pop3_login(struct stream *s, const struct pop3_login_config *config,
                         const struct pop3_login_host *host, void *host_arg,
                         struct pop3_login_counts *ret) WAITS;
