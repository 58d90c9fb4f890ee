/* SPDX-License-Identifier: ISC */
/*
 * A job runs in rounds. A round hands the recipients that are still open to one connection. Each
 * comes back settled or, with the words to use if nothing better follows, open again: because the
 * host failed before the letter was complete (another host may do better), or took only some
 * recipients at once (the rest goes in the next transaction). The rounds end when none is open,
 * when no host is left, or when the attempts are used up.
 *
 * Hosts are looked up only when a new connection has to be opened; while idle connections come
 * back, a busy destination costs no look-ups.
 *
 * An idle connection may have been closed by the peer at the very moment it is used. If it fails
 * before the peer answered anything, nothing was handed over, and the round counts for nothing.
 */
#include "relay/relay.h"

#include <errno.h>

#include "base/alloc.h"
#include "relay/pool.h"

struct relay {
    struct relay_options options;
    struct pool *pool;
    uint64_t letters;
};

const struct relay_options relay_options_default = {
    .connect = net_connect,
    .connect_timeout = 30 * USEC_SEC,
    .attempts = 8,
    .idle = 5 * USEC_SEC,
    .letters_per_connection = 100,
    .connections = 1000,
    .pace = PACE_DEFAULTS,
    .timeouts = RELAY_TIMEOUTS_DEFAULT,
};

struct relay *relay_new(const struct relay_options *options) {
    MUST(options->connect && options->dns.query && options->helo.len > 0 && options->attempts > 0);
    struct relay *relay = NEW(struct relay);
    relay->options = *options;
    relay->pool = pool_new(&(struct pool_options){
        .pace = options->pace,
        .idle = options->idle,
        .letters_per_connection = options->letters_per_connection,
        .connections = options->connections,
    });
    return relay;
}

void relay_free(struct relay *relay) {
    if (!relay)
        return;
    pool_free(relay->pool);
    free(relay);
}

void relay_keep(void *arg) {
    struct relay *relay = arg;
    pool_keep(relay->pool);
}

void relay_stats(const struct relay *relay, struct relay_stats *ret) {
    struct pool_stats stats;
    pool_stats(relay->pool, &stats);
    *ret = (struct relay_stats){
        .connections = stats.connections,
        .idle = stats.idle,
        .destinations = stats.destinations,
        .letters = relay->letters,
        .opened = stats.opened,
        .reused = stats.reused,
    };
}

/* ------------------------------------------------------------------ a run */

/* A job on its way. */
struct run {
    struct relay *relay;
    const struct relay_job *job;
    struct arena *a;
    struct relay_outcome outcome;
    bool *open; /* of each recipient */
    size_t open_count;
    struct buf dialogue;
    unsigned attempts; /* new connections tried */

    bool way_known;
    struct dns_way way;
    size_t host, address;        /* the next one to try */
    bool connected;              /* some host could be spoken to */
    struct relay_result trouble; /* why the hosts failed, for recipients without better words */
};

/* The words to use for what is open if nothing better follows. */
static void note_trouble(struct run *run, const struct relay_result *result) {
    bool for_now = run->trouble.reply.code && run->trouble.fate == RELAY_LATER;
    if (result->fate == RELAY_NEVER && for_now)
        return;
    run->trouble = *result;
}

static int fail_open(struct run *run, enum relay_fate fate, struct smtp_reply reply) {
    for (size_t i = 0; i < run->outcome.count; i++) {
        if (run->open[i] && !run->outcome.results[i].reply.code)
            run->outcome.results[i] = (struct relay_result){.fate = fate, .reply = reply};
        run->open[i] = false;
    }
    run->open_count = 0;
    return 0;
}

/* No host is left: what is open gets the trouble they had. */
static void give_up(struct run *run) {
    for (size_t i = 0; i < run->outcome.count; i++) {
        if (run->open[i] && !run->outcome.results[i].reply.code)
            run->outcome.results[i] = run->trouble;
        run->open[i] = false;
    }
    run->open_count = 0;
}

static void add_dialogue(struct run *run, struct slice peer, struct slice text) {
    if (text.len == 0 || run->dialogue.len + text.len > 4 * (size_t)RELAY_DIALOGUE_MAX)
        return;
    buf_printf(&run->dialogue, "-- %.*s\n", SLICE_ARG(peer));
    buf_add(&run->dialogue, text);
}

/* ------------------------------------------------------------------ hosts */

static void say_step(void *arg, struct slice sentence) {
    const struct relay_voice *voice = arg;
    voice->say(voice->arg, RELAY_STEP_LOOKUP, sentence);
}

/* 0 with the way known; 1 when the job is settled without any. */
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
        .event = voice.say ? say_step : NULL,
        .event_arg = &voice,
    };
    int r = dns_find_hosts(&o->dns, &search, run->a, &run->way);
    if (r < 0)
        return r;
    run->way_known = true;
    if (run->way.fate == DNS_FOUND)
        return 0;
    bool never = run->way.fate == DNS_NO_WAY && !run->job->smart_host;
    struct smtp_reply reply = {
        .code = run->way.reply,
        .status = {never ? 5 : 4, run->way.subject, run->way.detail},
        .text = run->way.words,
    };
    if (!never)
        reply.code = 451;
    (void)fail_open(run, never ? RELAY_NEVER : RELAY_LATER, reply);
    return 1;
}

static const struct dns_host *next_host(struct run *run, struct net_addr *ret_addr) {
    while (run->host < run->way.count) {
        const struct dns_host *host = &run->way.hosts[run->host];
        if (run->address < host->count) {
            *ret_addr = host->addresses[run->address++];
            return host;
        }
        run->host++;
        run->address = 0;
    }
    return NULL;
}

static struct slice peer_text(struct run *run, const struct dns_host *host,
                              const struct net_addr *addr) {
    char text[NET_TEXT_SIZE];
    struct slice literal = net_format_literal(addr, text);
    if (host->name.ptr[0] == '[')
        return arena_copy(run->a, literal);
    return arena_printf(run->a, "%.*s %.*s", SLICE_ARG(host->name), SLICE_ARG(literal));
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
        relay_say(&run->job->voice, RELAY_STEP_CONNECTED, "Connected to %.*s port %u",
                  SLICE_ARG(peer), net_port(addr));
        return 0;
    }
    struct relay_result result = {.fate = RELAY_LATER, .reply = {451, {4, 4, 1}, {NULL, 0}}};
    result.reply.text = arena_printf(run->a, "Connection to %.*s port %u failed: %s",
                                     SLICE_ARG(peer), net_port(addr), error_text(r));
    result.peer = peer;
    note_trouble(run, &result);
    relay_say(&run->job->voice, RELAY_STEP_UNREACHABLE, "%.*s", SLICE_ARG(result.reply.text));
    return r;
}

/* One attempt at one address. */
static int open_client(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                       bool with_tls, struct relay_client **ret_client,
                       bool *ret_tls_failed) WAITS {
    const struct relay_options *o = &run->relay->options;
    struct slice peer = peer_text(run, host, addr);
    struct relay_client_options options = {
        .helo = o->helo,
        .peer = peer,
        .peer_name = host->name.ptr[0] == '[' ? S("") : host->name,
        .tls = with_tls ? o->tls : NULL,
        .strict_8bit = o->strict_8bit,
        .timeouts = o->timeouts,
    };
    struct stream *stream;
    int r = open_stream(run, addr, peer, &stream);
    if (r < 0)
        return r;
    struct relay_trouble trouble;
    r = relay_client_open(stream, &options, &run->job->voice, run->a, ret_client, &trouble);
    if (r < 0) {
        add_dialogue(run, peer, trouble.dialogue);
        note_trouble(run, &trouble.result);
        *ret_tls_failed = trouble.tls_failed;
    }
    return r;
}

/* Opportunistic: when TLS fails, once more without it. */
static int try_address(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                       struct relay_client **ret_client) WAITS {
    bool tls_failed = false;
    int r = open_client(run, host, addr, true, ret_client, &tls_failed);
    if (r == 0 || !tls_failed || run->attempts >= run->relay->options.attempts)
        return r;
    relay_say(&run->job->voice, RELAY_STEP_TLS, "Trying again without TLS");
    return open_client(run, host, addr, false, ret_client, &tls_failed);
}

/* Tries the hosts in their order. 0 with a client; 1 when the job is settled; or -ECANCELED. */
static int connect_to_next(struct run *run, struct pool_connection *connection) WAITS {
    int r = run->way_known ? 0 : find_way(run);
    if (r != 0)
        return r;
    struct net_addr addr;
    const struct dns_host *host;
    while (run->attempts < run->relay->options.attempts && (host = next_host(run, &addr))) {
        r = try_address(run, host, &addr, &connection->client);
        if (r == 0) {
            run->connected = true;
            return 0;
        }
        if (fiber_cancelled())
            return -ECANCELED;
    }
    if (!run->connected && run->trouble.fate == RELAY_LATER)
        pool_unreachable(run->relay->pool, connection);
    give_up(run);
    return 1;
}

/* ------------------------------------------------------------------ handing over */

/* The recipients of one transaction. */
struct round {
    struct relay_letter letter;
    struct relay_recipient recipients[RELAY_RECIPIENTS_MAX];
    struct relay_result results[RELAY_RECIPIENTS_MAX];
    size_t places[RELAY_RECIPIENTS_MAX]; /* in the job */
};

static void fill_round(const struct run *run, struct round *round) {
    const struct relay_letter *letter = &run->job->letter;
    round->letter = *letter;
    round->letter.recipients = round->recipients;
    round->letter.count = 0;
    for (size_t i = 0; i < letter->count && round->letter.count < RELAY_RECIPIENTS_MAX; i++) {
        if (!run->open[i])
            continue;
        round->places[round->letter.count] = i;
        round->recipients[round->letter.count++] = letter->recipients[i];
    }
}

/* What to do with a recipient that a round gave back. */
static bool stays_open(const struct relay_result *result, bool progress) {
    return result->fate == RELAY_LATER && (result->next_host || (result->too_many && progress));
}

static void take_results(struct run *run, struct pool_connection *connection,
                         const struct round *round) {
    bool delivered = false, complained = false, progress = false;
    for (size_t i = 0; i < round->letter.count; i++) {
        const struct relay_result *result = &round->results[i];
        delivered = delivered || result->fate == RELAY_DELIVERED;
        complained = complained || result->reply.code == 421;
        progress = progress || !result->too_many;
    }
    for (size_t i = 0; i < round->letter.count; i++) {
        size_t place = round->places[i];
        run->outcome.results[place] = round->results[i];
        if (stays_open(&round->results[i], progress))
            continue;
        run->open[place] = false;
        run->open_count--;
    }
    if (delivered)
        pool_succeeded(run->relay->pool, connection);
    if (complained)
        pool_busy(run->relay->pool, connection);
}

/*
 * One transaction. 0: the connection is usable; negative: it is over. Results of an idle connection
 * that was dead are not taken.
 */
static int send_round(struct run *run, struct pool_connection *connection, bool reused) WAITS {
    struct relay_client *client = connection->client;
    struct round *round = mem_zero(sizeof *round);
    fill_round(run, round);
    int r = relay_client_send(client, &round->letter, run->a, round->results);
    bool was_dead = r < 0 && reused && relay_client_unanswered(client);
    add_dialogue(run, relay_client_peer(client), relay_client_take_dialogue(client, run->a));
    if (was_dead)
        relay_say(&run->job->voice, RELAY_STEP_UNREACHABLE, "That connection was closed meanwhile");
    else
        take_results(run, connection, round);
    run->outcome.tls = relay_client_tls(client);
    free(round);
    return r;
}

/* Uses one connection for as many rounds as it is good for. 0, or -ECANCELED. */
static int use_connection(struct run *run, struct pool_connection *connection) WAITS {
    bool reused = connection->client != NULL;
    if (!reused) {
        int r = connect_to_next(run, connection);
        if (r != 0) {
            pool_drop(run->relay->pool, connection);
            return MIN(r, 0);
        }
    } else {
        relay_say(&run->job->voice, RELAY_STEP_CONNECTED,
                  "Using the open connection to %.*s, letter %u",
                  SLICE_ARG(relay_client_peer(connection->client)),
                  relay_client_letters(connection->client) + 1);
    }
    int r = 0;
    while (r == 0 && run->open_count > 0) {
        r = send_round(run, connection, reused);
        reused = false;
    }
    if (r == 0)
        pool_put(run->relay->pool, connection);
    else
        pool_drop(run->relay->pool, connection);
    return fiber_cancelled() ? -ECANCELED : 0;
}

static struct slice destination_key(struct run *run) {
    const struct dns_next_hop *to = &run->job->to;
    struct slice key =
        arena_printf(run->a, "%.*s:%u%s", SLICE_ARG(to->name), to->port, to->no_mx ? " host" : "");
    char *text = (char *)key.ptr;
    for (size_t i = 0; i < to->name.len; i++)
        text[i] = ascii_lower(text[i]);
    return key;
}

/* The destination gives no connection now. */
static int no_connection(struct run *run, int error, usec_t until) {
    struct slice to = run->job->to.name;
    struct smtp_reply reply = {451, {4, 4, 1}, {NULL, 0}};
    if (error == -ECANCELED)
        return error;
    if (error == -E_TEMPORARY) {
        char span[TIME_TEXT_SIZE];
        run->outcome.rest = MAX(until - fiber_now(), (usec_t)1);
        reply.text = arena_printf(
            run->a, "No host of %.*s could be reached a short while ago; it rests for %.*s",
            SLICE_ARG(to), SLICE_ARG(time_format_span(run->outcome.rest, span)));
    } else {
        reply.status.detail = 5;
        reply.text = arena_printf(run->a, "No connection to %.*s became free: %s", SLICE_ARG(to),
                                  error_text(error));
    }
    return fail_open(run, RELAY_LATER, reply);
}

static int run_job(struct run *run) WAITS {
    struct pool *pool = run->relay->pool;
    struct slice key = destination_key(run);
    if (run->job->ignore_rest)
        pool_wake(pool, key);
    while (run->open_count > 0) {
        struct pool_connection *connection;
        usec_t until = 0;
        int r = pool_take(pool, key, &connection, &until);
        if (r < 0)
            return no_connection(run, r, until);
        r = use_connection(run, connection);
        if (r < 0)
            return r;
    }
    return 0;
}

int relay_transmit(struct relay *relay, const struct relay_job *job, struct arena *a,
                   struct relay_outcome *ret) {
    size_t count = job->letter.count;
    MUST(count > 0);
    struct run run = {.relay = relay, .job = job, .a = a, .open_count = count};
    run.outcome.results = arena_array(a, count, sizeof *run.outcome.results);
    run.outcome.count = count;
    run.open = arena_array(a, count, sizeof *run.open);
    for (size_t i = 0; i < count; i++)
        run.open[i] = true;
    relay->letters++;
    int r = run_job(&run);
    run.outcome.dialogue = arena_copy(a, buf_slice(&run.dialogue));
    buf_done(&run.dialogue);
    if (r == 0)
        *ret = run.outcome;
    return r;
}
