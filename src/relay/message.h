/* SPDX-License-Identifier: ISC */
/*
 * What is handed to another host, and what became of it for each recipient.
 */
#pragma once

#include "message/envelope.h"
#include "smtp/reply.h"

#define RELAY_RECIPIENTS_MAX 100U

/*
 * A message in its canonical form: lines end with CRLF, no other CR or LF. First the bytes in
 * memory, then, up to its size, a part of a file: either may be all of it.
 */
struct relay_message {
    struct envelope envelope; /* of 1 to RELAY_RECIPIENTS_MAX recipients */
    struct slice bytes;
    int file;
    uint64_t offset;
    uint64_t size; /* of the message in all */
};

/* What nobody has decided is tried again, and never taken for delivered. */
enum relay_disposition {
    RELAY_LATER,     /* may be tried again */
    RELAY_DELIVERED, /* the other host is responsible now */
    RELAY_NEVER,     /* trying again is useless */
};

/* Of one recipient. */
struct relay_result {
    enum relay_disposition disposition;
    struct smtp_reply reply; /* always with a status; the text may have several lines */
    struct slice peer;       /* "mx1.example.net [192.0.2.1]"; empty: it came to no host */
    bool from_peer;          /* the reply is the other host's; else our own words */
    bool dsn_passed;         /* delivered to a host that took over the DSN parameters */
    bool next_host;          /* RELAY_LATER by a fault of this host: the next one may do better */
    bool unsure;   /* RELAY_LATER: it was sent whole, and nobody knows what became of it */
    bool farewell; /* RELAY_LATER: it was at this recipient that the host said 421 */
    bool too_many; /* RELAY_LATER: more recipients than the host takes at once */
};

/* What a sentence for the journey of the message is about. */
enum relay_step {
    RELAY_STEP_LOOKUP,      /* what DNS was asked, and what it said */
    RELAY_STEP_CONNECTED,   /* there is a connection */
    RELAY_STEP_UNREACHABLE, /* there is none, or its host would not talk */
    RELAY_STEP_PUT_OFF,     /* a host did not take the message now, and another one is tried */
    RELAY_STEP_TLS,
    RELAY_STEP_LOGIN_FAILED, /* our login at a host: for the postmaster */
};

/*
 * The steps on the way to the other host. What became of the recipients is not among them: that is
 * the outcome. `say` must not wait; NULL: nobody listens.
 */
struct relay_voice {
    void (*say)(void *arg, enum relay_step step, struct slice sentence);
    void *arg;
};
void relay_log(const struct relay_voice *voice, enum relay_step step, const char *format, ...)
    PRINTF_LIKE(3, 4);
