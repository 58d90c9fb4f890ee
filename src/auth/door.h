/* SPDX-License-Identifier: ISC */
/*
 * What the doors to a mailbox have in common, whatever protocol they speak (POP3, IMAP): what
 * depends on TLS, how a conversation ends, and what happens before the login. The protocol has the
 * commands and the words; here are the order of things, what is asked of the surroundings, and what
 * comes of it. Secrets stay in the caller's memory, or in an arena that ends with the attempt.
 *
 *     struct door_login l = door_login_begin(stream, config, host, host_arg);
 *     while (l.end == DOOR_END_NONE)
 *         read a command; answer what door_attempt(), door_authenticate() and so on say
 */
#pragma once

#include "auth/sasl.h"
#include "io/stream.h"
#include "people/login.h"

/* What a door can offer just now. */
struct door_offer {
    bool tls_active;    /* the connection is protected */
    bool tls_available; /* TLS may be begun */
    bool plaintext;     /* passwords are taken without TLS: a setting, or a connection from here */
};

/* True when a password may be sent over this connection. */
static inline bool door_takes_passwords(const struct door_offer *offer) {
    return offer->tls_active || offer->plaintext;
}

/* How a conversation ended, before the login or behind it. */
enum door_end {
    DOOR_END_NONE,      /* it goes on */
    DOOR_END_LOGIN,     /* before it: somebody may enter, the answer is still due */
    DOOR_END_LOGOUT,    /* the client said so */
    DOOR_END_DISMISSED, /* we ended it and said why */
    DOOR_END_LOST,      /* gone, silent for too long, or cancelled */
};

/* The end for an error of reading; -E_REFUSED: the client was told. */
static inline enum door_end door_end_of(int error) {
    return error == -E_REFUSED ? DOOR_END_DISMISSED : DOOR_END_LOST;
}

/* What the login needs from its surroundings. `host` is the argument given with them. */
struct door_host {
    /*
     * Checks an attempt by a mechanism ("PLAIN", or the protocol's own: "USER", "APOP", "LOGIN"),
     * whose bytes are valid during the call, without peer and talk, and remembers the account when
     * it is good; holds back the refusal of bad ones as long as it sees fit. 0; -E_REFUSED: wrong
     * name or password, or whatever else is not to be told apart from that; -E_BUSY: too many
     * attempts from there; -ECANCELED; anything else: cannot be checked now.
     */
    int (*login)(void *host, const char *mechanism, const struct login_request *attempt) WAITS;

    /* One was refused before it began, since there is no TLS; the name may be empty. May be NULL.
     */
    void (*bare_login)(void *host, struct slice name);

    /* The TLS handshake; the stream is flushed and holds no input. 0, or the connection ends. */
    int (*starttls)(void *host, struct stream *s) WAITS;
};

struct door_config {
    struct slice hostname;   /* for the greeting */
    struct door_offer offer; /* as the connection begins */
    usec_t timeout;          /* for each command; 60 s */
    unsigned errors_max;     /* 10 */
    unsigned refused_max;    /* failed logins; 5 */
    unsigned commands_max;   /* of any kind; 50 */
};

/* The settings' defaults; hostname and offer are to be filled in. */
extern const struct door_config door_config_default;

/* What happened before the login, for the log. */
struct door_counts {
    unsigned commands, errors, refused;
    bool tls_active; /* at the end: after STARTTLS too */
};

/* A conversation before the login. The stream is the caller's. */
struct door_login {
    struct stream *stream;
    const struct door_config *config;
    const struct door_host *host;
    void *host_arg;
    struct door_offer offer;
    unsigned refused; /* logins so far */
    enum door_end end;
};

/*
 * The beginning, and the end: what happened. Between them passwords may come over the stream, which
 * wipes what it has read.
 */
struct door_login door_login_begin(struct stream *s, const struct door_config *config,
                                   const struct door_host *host, void *host_arg);
enum door_end door_login_end(struct door_login *l, unsigned commands, unsigned errors,
                             struct door_counts *ret);

/* What came of something that the client tried. */
enum door_result {
    DOOR_DONE,       /* TLS is active; or he may enter: `end` says so, nothing was answered */
    DOOR_WRONG,      /* name or password. `end` is DOOR_END_DISMISSED when that was one too many; */
    DOOR_BUSY,       /* so it is behind this: too many failures from there */
    DOOR_UNCHECKED,  /* and this: logins cannot be checked just now */
    DOOR_BARE,       /* a password without TLS, refused before anybody looked at it */
    DOOR_GIVEN_UP,   /* the client said so in the midst of a mechanism */
    DOOR_MALFORMED,  /* not what the mechanism expects */
    DOOR_LONG,       /* a response longer than SASL_LINE_MAX */
    DOOR_TLS_ACTIVE, /* already */
    DOOR_TLS_NONE,   /* there is none here */
    DOOR_TLS_LATE,   /* something came behind the command, in the clear */
    DOOR_LOST,       /* `end` says how the conversation ended; there is nobody to be answered */
    DOOR_RESULTS
};

/* Somebody comes by a command of the protocol; the name is known when DOOR_BARE is to be logged. */
enum door_result door_attempt(struct door_login *l, const char *mechanism,
                              const struct login_request *attempt) WAITS;

/* DOOR_BARE, behind telling the surroundings, or DOOR_DONE when passwords are taken. */
enum door_result door_judge_bare(struct door_login *l, struct slice name);

/*
 * Somebody comes by a SASL mechanism that was started. `initial` as in sasl_first(); its bytes are
 * copied. `ask` sends a challenge and reads the line that answers it, without its end: 0, -E_LIMIT,
 * -E_REFUSED (the client was told that the conversation ends) or another error of the stream.
 */
enum door_result door_authenticate(struct door_login *l, struct sasl *sasl, struct slice initial,
                                   int (*ask)(void *arg, struct slice challenge,
                                              struct slice *ret_line) WAITS,
                                   void *arg) WAITS;

/*
 * STARTTLS, in two halves: may TLS begin? When this is DOOR_DONE the caller says so, and then
 * begins it, which is DOOR_DONE or DOOR_LOST.
 */
enum door_result door_may_start_tls(const struct door_login *l);
enum door_result door_start_tls(struct door_login *l) WAITS;
