/* SPDX-License-Identifier: ISC */
/*
 * The hosts of a job, in their order, and sessions with them.
 *
 * Hosts are looked up only when a new connection has to be opened; while idle connections come
 * back, a busy destination costs no look-ups.
 *
 * How many are tried is bounded three times: connections, hosts that answer and put the message
 * off, and the time after which no further host is asked. A host with many addresses leaves some
 * tries for the others: when it answers, at most ADDRESSES_ASKED are asked; when it does not, so
 * many that as many are left for each host behind it.
 *
 * Where nobody demands TLS (demand.c) it is opportunistic: where it fails, the next connection to
 * that host goes without (memory.h), at once while nothing is lost by it. If that one fails as
 * well, it was not TLS.
 */
#include <errno.h>
#include <stdio.h>

#include "conf/conf.h"
#include "fetch/outside.h"
#include "relay/run.h"

#define ADDRESSES_ASKED 2U

/* ------------------------------------------------------------------ hosts */

static void log_step(void *arg, struct slice sentence) {
    const struct relay_voice *voice = arg;
    voice->say(voice->arg, RELAY_STEP_LOOKUP, sentence);
}

/* It may mind from which address we come: a host of the outside, and none that is trusted. */
static bool is_particular(const struct run *run, const struct net_addr *host) {
    const struct conf_networks *trusted = run->relay->options.trusted;
    return outside_has(host) && !(trusted && conf_networks_have(trusted, host));
}

/* Addresses of one family that are not used: see sources.h. */
static void leave_out_family(struct run *run, int family) {
    struct dns_way *way = &run->way;
    struct slice why = S("");
    size_t hosts = 0, left_out = 0, others = 0;
    if (!sources_leave_out(run->relay->sources, family, &why))
        return;
    for (size_t i = 0; i < way->count; i++)
        for (size_t k = 0; k < way->hosts[i].count; k++)
            others += way->hosts[i].addresses[k].any.sa_family != family;
    for (size_t i = 0; i < way->count && others > 0; i++) {
        struct dns_host *host = &way->hosts[i];
        size_t kept = 0;
        for (size_t k = 0; k < host->count; k++)
            if (host->addresses[k].any.sa_family != family ||
                !is_particular(run, &host->addresses[k]))
                host->addresses[kept++] = host->addresses[k];
        left_out += host->count - kept;
        host->count = kept;
        if (kept > 0)
            way->hosts[hosts++] = *host;
    }
    if (left_out == 0)
        return;
    way->count = hosts;
    relay_log(&run->job->voice, RELAY_STEP_LOOKUP, "Addresses of %s are left out: %.*s",
              family == AF_INET ? "IPv4" : "IPv6", SLICE_ARG(why));
}

/* Which of our addresses leads to this host. */
static void note_source(struct run *run, const struct net_addr *to, const struct stream *s) {
    struct net_addr local;
    if (!run->job->smart_host && is_particular(run, to) &&
        run->relay->options.local(s, &local) == 0 && outside_has(&local))
        sources_note(run->relay->sources, &local);
}

/* 0 with the way known; 1: there is none, and the failure says why. */
static int find_way(struct run *run) WAITS {
    const struct relay_options *o = &run->relay->options;
    struct relay_voice voice = run->job->voice;
    struct dns_search search = {
        .to = run->job->to,
        .own_names = o->own_names,
        .own_name_count = o->own_name_count,
        .own_addresses = o->own_addresses,
        .own_address_count = o->own_address_count,
        .loopback_is_own = o->loopback_is_own,
        .no_ipv4 = o->no_ipv4,
        .no_ipv6 = o->no_ipv6,
        .event = voice.say ? log_step : NULL,
        .event_arg = &voice,
    };
    int r = run->job->smart_host ? 0 : sources_judge(run->relay->sources);
    if (r == 0)
        r = dns_find_hosts(&o->dns, &search, run->a, &run->way);
    if (r < 0)
        return r;
    run->way_known = true;
    if (run->way.outcome == DNS_FOUND && !run->job->smart_host) {
        leave_out_family(run, AF_INET6);
        leave_out_family(run, AF_INET);
    }
    if (run->way.outcome == DNS_FOUND)
        return 0;
    bool never = run->way.outcome == DNS_NO_WAY && !run->job->smart_host;
    struct smtp_reply reply = {
        .code = run->way.reply,
        .status = {never ? 5 : 4, run->way.subject, run->way.detail},
        .text = run->way.words,
    };
    if (!never)
        reply.code = 451;
    run_note_failure(run, &(struct relay_result){.disposition = never ? RELAY_NEVER : RELAY_LATER,
                                                 .reply = reply});
    return 1;
}

static struct slice peer_text(struct run *run, const struct dns_host *host,
                              const struct net_addr *addr) {
    char text[NET_TEXT_SIZE];
    struct slice literal = net_format_literal(addr, text);
    if (host->name.ptr[0] == '[')
        return arena_copy(run->a, literal);
    return arena_printf(run->a, "%.*s %.*s", SLICE_ARG(host->name), SLICE_ARG(literal));
}

/* Whether the present host has an address that is its turn. */
static bool has_turn(const struct run *run, const struct dns_host *host) {
    size_t behind = run->way.count - run->host - 1;
    bool spares = run->attempts + ADDRESSES_ASKED * behind < run->relay->options.attempts;
    return run->address < host->count && run->refused_here < ADDRESSES_ASKED &&
           (run->address < ADDRESSES_ASKED || behind == 0 || spares);
}

static void leave_host(struct run *run) {
    run->host++;
    run->address = run->refused_here = 0;
}

/* The next host to try, and its address; NULL: none is left. */
static const struct dns_host *candidate(struct run *run, struct net_addr *ret_addr) {
    while (run->host < run->way.count) {
        const struct dns_host *host = &run->way.hosts[run->host];
        if (has_turn(run, host)) {
            *ret_addr = host->addresses[run->address];
            if (!run->asked.len || !slice_eq(run->asked, peer_text(run, host, ret_addr)))
                return host;
            run->address++;
        } else {
            leave_host(run);
        }
    }
    return NULL;
}

static bool enough_tried(const struct run *run) {
    const struct relay_options *o = &run->relay->options;
    return run->attempts >= o->attempts || run->refusals >= o->hosts;
}

int reach_another(struct run *run, bool answered, struct slice idle_peer) {
    struct net_addr addr;
    int r = 0;
    if (answered) {
        run->fresh = true;
        run->refusals++;
        run->refused_here += idle_peer.len == 0;
        run->asked = idle_peer.len ? arena_copy(run->a, idle_peer) : run->asked;
    }
    if (enough_tried(run) || fiber_now() > run->began + run->relay->options.hosts_time)
        return 0;
    if (!run->way_known)
        r = find_way(run);
    return r < 0 ? r : r == 0 && candidate(run, &addr) != NULL;
}

/* ------------------------------------------------------------------ connecting */

static int open_stream(struct run *run, const struct net_addr *addr, struct slice peer,
                       struct stream **ret_stream) WAITS {
    const struct relay_options *o = &run->relay->options;
    const struct net_addr *source =
        addr->any.sa_family == AF_INET ? o->source_ipv4 : o->source_ipv6;
    run->attempts++;
    int r = o->connect(addr, source, fiber_now() + o->connect_timeout, ret_stream);
    if (r == -ECANCELED)
        return r;
    if (r == 0) {
        note_source(run, addr, *ret_stream);
        relay_log(&run->job->voice, RELAY_STEP_CONNECTED, "Connected to %.*s port %u",
                  SLICE_ARG(peer), net_port(addr));
        return 0;
    }
    struct relay_result result = {.disposition = RELAY_LATER, .reply = {451, {4, 4, 1}, {NULL, 0}}};
    result.reply.text = arena_printf(run->a, "Connection to %.*s port %u failed: %s",
                                     SLICE_ARG(peer), net_port(addr), error_text(r));
    result.peer = peer;
    run_note_failure(run, &result);
    relay_log(&run->job->voice, RELAY_STEP_UNREACHABLE, "%.*s", SLICE_ARG(result.reply.text));
    return r;
}

static int cannot_verify(struct run *run, struct slice peer) {
    run_note_failure(
        run, &(struct relay_result){.disposition = RELAY_LATER,
                                    .reply = SMTP_REPLY(451, 4, 7, 5,
                                                        "A verified certificate is demanded, but "
                                                        "relay.authorities cannot be used"),
                                    .peer = peer});
    run->attempts++;
    return -E_TLS;
}

/* Nothing is wanted that only EHLO offers. */
static bool helo_will_do(const struct run *run) {
    uint32_t shape = run->job->message.envelope.shape;
    bool needs_8bit = (shape & SHAPE_EIGHT_BIT) && run->relay->options.strict_8bit;
    return !tls_policy_demands(&run->policy) && !run->job->login && !(shape & SHAPE_UTF8) &&
           !needs_8bit;
}

/*
 * RFC 5321 §5.1: what the look-up could not know, since we listen on all addresses or behind NAT.
 * What is wrong with a host of the settings passes.
 */
static void end_at_ourselves(struct run *run, struct relay_result *result) {
    run->host = run->way.count;
    if (!run->job->smart_host)
        return;
    result->disposition = RELAY_LATER;
    result->reply.code = 451;
    result->reply.status.class = 4;
}

/* The type of failure (RFC 8460 §4.3) behind our words; OpenSSL's for certificates are in them. */
static const char *type_of(const struct run *run, struct slice words) {
    static const struct {
        struct slice words;
        const char *type;
    } types[] = {
        {{"STARTTLS", 8}, "starttls-not-supported"},
        {{"mismatch", 8}, "certificate-host-mismatch"},
        {{"expired", 7}, "certificate-expired"},
        {{"cannot be verified", 18}, "certificate-not-trusted"},
    };
    for (size_t i = 0; run->policy.kind != TLS_POLICY_DANE && i < ARRAY_SIZE(types); i++)
        if (slice_find(words, types[i].words) >= 0)
            return types[i].type;
    return "validation-failure";
}

/* What came of an attempt with TLS; in mode testing the first one, as the policy would have it. */
static void note_tls(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                     int r, const struct relay_client *client, const struct relay_failure *f) {
    struct slice words = f->result.reply.text;
    if (run->policy.kind == TLS_POLICY_STS_TESTING && run->policy.demand != TLS_DEMAND_NAME &&
        run->relay->options.tls_verifying)
        return;
    if (r == 0)
        demand_note(run, host, addr, relay_client_tls(client) ? "" : "starttls-not-supported",
                    S(""));
    else if (r == -E_TLS || f->tls_failed)
        demand_note(run, host, addr, type_of(run, words), words);
}

/* One attempt at one address. */
static int open_client(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                       bool with_tls, struct relay_client **ret_client,
                       struct relay_failure *failure) WAITS {
    const struct relay_options *o = &run->relay->options;
    struct slice peer = peer_text(run, host, addr);
    struct relay_client_options options = {
        .helo = o->helo,
        .peer = peer,
        .tls = !with_tls || run->policy.demand == TLS_DEMAND_NEVER ? NULL
               : run->policy.demand == TLS_DEMAND_NAME             ? o->tls_verifying
                                                                   : o->tls,
        .policy = run->policy,
        .tls_first = run->job->tls_first,
        .login = run->job->login,
        .strict_8bit = o->strict_8bit,
        .helo_only = helo_will_do(run) &&
                     host_memory_has(run->relay->memory, HOST_HANGS_UP_AT_EHLO, addr, fiber_now()),
        .no_pipelining =
            host_memory_has(run->relay->memory, HOST_BREAKS_PIPELINING, addr, fiber_now()),
        .one_by_one = host_memory_has(run->relay->memory, HOST_SAYS_TOO_MUCH, addr, fiber_now()),
        .timeouts = o->timeouts,
    };
    struct stream *stream;
    if (run->policy.demand == TLS_DEMAND_NAME && !o->tls_verifying)
        return cannot_verify(run, peer);
    int r = open_stream(run, addr, peer, &stream);
    if (r < 0)
        return r;
    r = relay_client_open(stream, &options, &run->job->voice, run->a, ret_client, failure);
    if (options.tls)
        note_tls(run, host, addr, r, r == 0 ? *ret_client : NULL, failure);
    if (r == -E_TLS && run->policy.kind == TLS_POLICY_STS)
        run->outcome.sts_failed = true;
    if (r < 0) {
        run_add_dialogue(run, peer, failure->dialogue);
        if (failure->ourselves)
            end_at_ourselves(run, &failure->result);
        run_note_failure(run, &failure->result);
        if (failure->login_failed) {
            struct slice why = failure->result.reply.text;
            relay_log(&run->job->voice, RELAY_STEP_LOGIN_FAILED, "%.*s", SLICE_ARG(why));
            (void)snprintf(run->relay->login_error, sizeof run->relay->login_error, "%.*s",
                           SLICE_ARG(why));
        }
        run->refusals += r == -E_REFUSED;
    } else if (options.login) {
        run->relay->login_error[0] = '\0';
    }
    return r;
}

static int try_plain(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                     struct relay_client **ret_client) WAITS {
    struct relay_failure failure = {0};
    int r = open_client(run, host, addr, false, ret_client, &failure);
    if (r < 0 && r != -E_REFUSED)
        host_memory_remove(run->relay->memory, HOST_FAILS_TLS, addr);
    return r;
}

static int try_helo(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                    struct relay_client **ret_client) WAITS {
    struct relay_failure failure = {0};
    relay_log(&run->job->voice, RELAY_STEP_CONNECTED, "Trying again with HELO");
    host_memory_add(run->relay->memory, HOST_HANGS_UP_AT_EHLO, addr, fiber_now());
    int r = open_client(run, host, addr, false, ret_client, &failure);
    if (r < 0)
        host_memory_remove(run->relay->memory, HOST_HANGS_UP_AT_EHLO, addr);
    return r;
}

/* As the policy would have it in mode enforce, so that what would fail then is known. */
static int try_as_enforced(struct run *run, const struct dns_host *host,
                           const struct net_addr *addr, struct relay_client **ret_client) WAITS {
    struct relay_failure failure = {0};
    run->policy.demand = TLS_DEMAND_NAME;
    int r = open_client(run, host, addr, true, ret_client, &failure);
    run->policy.demand = TLS_DEMAND_OFFERED;
    return r;
}

static int try_address(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                       struct relay_client **ret_client) WAITS {
    struct relay *relay = run->relay;
    struct relay_failure failure = {0};
    if (tls_policy_demands(&run->policy))
        return open_client(run, host, addr, true, ret_client, &failure);
    if (run->policy.kind == TLS_POLICY_STS_TESTING && relay->options.tls_verifying) {
        int tried = try_as_enforced(run, host, addr, ret_client);
        if (tried != -E_TLS || run->attempts >= relay->options.attempts)
            return tried;
        failure = (struct relay_failure){0};
    }
    if (relay->options.tls && host_memory_has(relay->memory, HOST_FAILS_TLS, addr, fiber_now())) {
        relay_log(&run->job->voice, RELAY_STEP_TLS, "Without TLS, which failed with %.*s before",
                  SLICE_ARG(peer_text(run, host, addr)));
        return try_plain(run, host, addr, ret_client);
    }
    int r = open_client(run, host, addr, true, ret_client, &failure);
    if (r < 0 && failure.tls_failed)
        host_memory_add(relay->memory, HOST_FAILS_TLS, addr, fiber_now());
    if (r == 0 || fiber_cancelled() || run->attempts >= relay->options.attempts)
        return r;
    if (failure.ehlo_failed && helo_will_do(run))
        return try_helo(run, host, addr, ret_client);
    if (!failure.tls_failed)
        return r;
    relay_log(&run->job->voice, RELAY_STEP_TLS, "Trying again without TLS");
    return try_plain(run, host, addr, ret_client);
}

int reach_next(struct run *run, struct pool_connection *connection) {
    const struct dns_host *host;
    int r = run->way_known ? 0 : find_way(run);
    if (r != 0)
        return r;
    while (!enough_tried(run) && (host = candidate(run, &run->present))) {
        r = demand_judge(run, host);
        if (r > 0) {
            leave_host(run);
            continue;
        }
        run->present_place = run->address++;
        if (r == 0)
            r = try_address(run, host, &run->present, &connection->client);
        if (r == 0) {
            run->connected = true;
            return 0;
        }
        if (fiber_cancelled())
            return -ECANCELED;
    }
    if (!run->connected && run->failure.disposition == RELAY_LATER) {
        /* What those are told who come while it rests, if more than that nobody answered. */
        const struct smtp_reply *reply = &run->failure.reply;
        bool silent = reply->status.subject == 4 && reply->status.detail == 1;
        pool_unreachable(run->relay->pool, connection, silent ? S("") : reply->text);
    }
    return 1;
}

void reach_same(struct run *run) {
    run->address = run->present_place;
}

bool reach_again(struct run *run) {
    if (!host_memory_has(run->relay->memory, HOST_SAYS_FAREWELL, &run->present, fiber_now())) {
        host_memory_add(run->relay->memory, HOST_SAYS_FAREWELL, &run->present, fiber_now());
        return false;
    }
    reach_same(run);
    return true;
}

void reach_one_by_one(struct run *run) {
    host_memory_add(run->relay->memory, HOST_SAYS_TOO_MUCH, &run->present, fiber_now());
    relay_log(&run->job->voice, RELAY_STEP_PUT_OFF, "Trying again with one command at a time");
    reach_same(run);
}

void reach_without_pipelining(struct run *run, bool again) {
    host_memory_add(run->relay->memory, HOST_BREAKS_PIPELINING, &run->present, fiber_now());
    if (!again)
        return;
    relay_log(&run->job->voice, RELAY_STEP_PUT_OFF, "Trying again without pipelining");
    reach_same(run);
}

void reach_without_tls(struct run *run, bool again) {
    host_memory_add(run->relay->memory, HOST_FAILS_TLS, &run->present, fiber_now());
    if (!again)
        return;
    relay_log(&run->job->voice, RELAY_STEP_TLS, "Trying again without TLS");
    reach_same(run);
}
