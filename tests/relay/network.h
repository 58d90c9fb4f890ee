/* SPDX-License-Identifier: ISC */
/*
 * A network of fake mail hosts in memory: connecting gives one end of a stream pair, at the other
 * end a small SMTP server behaves as its host says. One network at a time.
 */
#pragma once

#include "io/net.h"
#include "io/tls.h"

struct fake_host {
    const char *address;   /* "192.0.2.1"; NULL ends the list */
    int connect_error;     /* -ECONNREFUSED at once; -ETIMEDOUT at the deadline */
    const char *greeting;  /* default "220 fake" */
    const char *extension; /* one more EHLO line, "PIPELINING" */
    const char *ehlo;      /* instead of extensions */
    const char *mail;      /* default "250 ok" */
    const char *rcpt;      /* default "250 ok" */
    const char *later;     /* recipients whose address has this in it get "450 4.2.1 later" */
    const char *data;      /* instead of "354 go" */
    const char *data_end;  /* default "250 ok" */
    const char *unknown;   /* recipients whose address has this in it get "550 5.1.1 unknown" */
    bool doubles;          /* says every reply twice */
    bool helo_only;        /* hangs up at EHLO */
    const char
        *pipelined; /* others behind a command are "dropped", or make it "hang up", or say this */
    const char *farewell; /* hangs up with 421 at recipients whose address has this in it */
    unsigned rcpt_limit;  /* "452 4.5.3 too many" beyond; 0: none */
    bool starttls;
    bool tls_broken; /* hangs up in the handshake */
    bool tls_silent; /* falls silent wherever it would hang up because of TLS */
    const char
        *tls_ends; /* hangs up at this command inside TLS; "STARTTLS": instead of its reply */
    bool leaves_at_data_end; /* hangs up in the middle of its yes to the final dot */
    bool dies_at_data_end;   /* hangs up instead of the reply to the final dot */
    bool dies_at_rcpt;
    bool dies_when_idle;         /* hangs up at the first command of a second message, silently */
    unsigned messages_until_421; /* says 421 to the MAIL after so many messages */
    usec_t idle_limit;           /* hangs up after so long without a command */
    usec_t thinks;               /* before each reply */
    void (*talk)(struct stream *s, void *arg) WAITS; /* instead of all that */
    void *talk_arg;

    unsigned connections, open, widest; /* counted */
    unsigned messages, recipients, quits, with_tls;
};

struct network;

/* Starts the network; the hosts are borrowed. Child fibers of the caller serve them. */
struct network *network_start(struct fake_host *hosts);
void network_stop(struct network *n) WAITS; /* hangs up everywhere */

/* The TLSA record 3 1 1 (RFC 6698) that fits the hosts' certificate: "3 1 1 0a1b..." */
const char *network_tlsa(const struct network *n);

/* That certificate, which is its own authority, in PEM: for "fake.example". */
struct slice network_certificate(const struct network *n);

/* For relay_options.connect. */
int network_connect(const struct net_addr *to, const struct net_addr *source, usec_t deadline,
                    struct stream **ret_stream) WAITS;
