/* SPDX-License-Identifier: ISC */
/*
 * The relay role's engine: takes messages to other hosts. For each job it finds the hosts of the
 * next hop, gets a connection (an idle one of the same destination, or a new one when its pace
 * allows, or waits its turn), hands over the message and says for each recipient what became of it.
 *
 *     relay = relay_new(&options);
 *     fiber_spawn("relay keeper", relay_keep, relay);
 *     relay_transmit(relay, &job, arena, &outcome);       from any number of fibers
 *     relay_free(relay);                                  when all of them have ended
 *
 * A host that cannot be reached, refuses its greeting, hangs up, or puts recipients off (4yz) is
 * followed by the next address or host (RFC 5321 §5.1), within limits; a message or recipient that
 * a host refuses for good is not offered to another one.
 */
#pragma once

#include "dns/mx.h"
#include "policy/sts_policy.h"
#include "policy/tls_policy.h"
#include "relay/client.h"
#include "relay/memory.h"
#include "relay/pace.h"

struct relay;

/* What the settings ask of TLS, in growing order of demand. */
enum relay_tls {
    RELAY_TLS_MAY, /* opportunistic */
    RELAY_TLS_NEVER,
    RELAY_TLS_ENCRYPT, /* never without, with any certificate */
    RELAY_TLS_VERIFY,  /* never without, and the certificate has to be right */
};

/* Slices and pointers are borrowed and outlive the relay. */
struct relay_options {
    struct slice helo; /* our name */
    struct dns_client dns;
    struct tls_context *tls;           /* NULL: never STARTTLS */
    struct tls_context *tls_verifying; /* for RELAY_TLS_VERIFY; NULL: that never works */
    bool strict_8bit;

    /* How we recognise ourselves in an MX list: see dns/mx.h. */
    const struct slice *own_names;
    size_t own_name_count;
    const struct net_addr *own_addresses;
    size_t own_address_count;
    bool loopback_is_own;

    const struct conf_networks *trusted; /* who is in there may be sent to from any address */
    bool no_ipv4, no_ipv6;
    const struct net_addr *source_ipv4, *source_ipv6; /* NULL: the system chooses */

    int (*connect)(const struct net_addr *to, const struct net_addr *source, usec_t deadline,
                   struct stream **ret_stream) WAITS;           /* net_connect */
    int (*local)(const struct stream *s, struct net_addr *ret); /* net_local_of */
    usec_t connect_timeout;                                     /* 30 s */
    unsigned attempts; /* connections tried for one job: 8 */
    unsigned hosts;    /* and hosts that put it off: 5 */
    usec_t
        job_time; /* after which no further transaction is begun: 45 min, less than callers wait */
    usec_t hosts_time;                /* after which no further one is asked: 10 min */
    usec_t idle;                      /* how long a connection waits for another message: 5 s */
    unsigned messages_per_connection; /* 100 */
    unsigned connections;             /* in all: 1000 */
    struct pace_options pace;
    struct relay_timeouts timeouts;
    struct host_memory *memory; /* of hosts' faults, held by the relay; NULL: one of its own */
};

/* The values named above; the rest zero. */
extern const struct relay_options relay_options_default;

struct relay *relay_new(const struct relay_options *options);

/* For the relay that comes after this one. */
struct host_memory *relay_memory(const struct relay *relay);
void relay_free(struct relay *relay); /* hangs up on idle connections */
DEFINE_CLEANUP(struct relay, relay_free)

/*
 * Closes connections that are idle too long or done; runs until its fiber is cancelled, then says
 * QUIT on all that are idle. A fiber_fn; one for each relay.
 */
void relay_keep(void *relay) WAITS;

/* One message for recipients that share a next hop; any number of recipients. */
struct relay_job {
    struct dns_next_hop to;
    bool smart_host; /* `to` comes from the settings: what is wrong with it is a passing fault */
    enum relay_tls tls;
    bool policies; /* RELAY_TLS_MAY: the policies of the recipients' domain count (DANE) */
    const struct sts_policy *sts;    /* then: its MTA-STS policy; NULL: it has none */
    struct slice sts_text;           /* the same as text */
    bool tls_first;                  /* TLS begins before the greeting */
    const struct relay_login *login; /* NULL: none */
    bool ignore_rest; /* a postmaster wants it tried now, though the destination rests */
    struct relay_message message; /* message.envelope.count may exceed RELAY_RECIPIENTS_MAX */
    struct relay_voice voice;
};

/* What came of TLS with a host of a domain whose policies count, for reports (RFC 8460 §4). */
struct relay_session {
    const char *policy;   /* "sts", "tlsa", "no-policy-found" */
    const char *result;   /* empty: a success; else a type of failure (§4.3) */
    struct slice host;    /* name */
    struct slice address; /* empty: it was not connected to */
    struct slice reason;
};
#define RELAY_SESSIONS_MAX 16U /* of a job; what comes behind is not told */

struct relay_outcome {
    struct relay_result *results; /* one for each recipient, in the job's order */
    size_t count;
    struct slice dialogue;          /* of all connections used, for people */
    bool tls;                       /* the last message went over TLS */
    struct relay_session *sessions; /* new ones, not those that were used again */
    size_t session_count;
    bool sts_failed;       /* a host was not used because of the MTA-STS policy */
    usec_t rest;           /* > 0: the destination is not tried before this span is over */
    struct slice rest_why; /* then: what was the matter when it was tried last */
};

/*
 * Transmits. 0 with an outcome, whatever its results; -ECANCELED: what was not settled by then is
 * not known. A deadline around the call makes what is open by then RELAY_LATER. Memory from the
 * arena.
 */
int relay_transmit(struct relay *relay, const struct relay_job *job, struct arena *a,
                   struct relay_outcome *ret) WAITS;

/* What was the matter with the latest login, if it failed. Borrowed until the next wait. */
struct slice relay_error(const struct relay *relay);

/* For status pages. */
struct relay_stats {
    unsigned connections, idle, destinations;
    uint64_t messages, opened, reused;
};
void relay_stats(const struct relay *relay, struct relay_stats *ret);
