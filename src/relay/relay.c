/* SPDX-License-Identifier: ISC */
/*
 * A job runs in rounds (rounds.c), over one connection after the other. They end when no recipient
 * is open, when no host is left, or when enough were tried (reach.c).
 */
#include "relay/relay.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "relay/run.h"

const struct relay_options relay_options_default = {
    .connect = net_connect,
    .local = net_local_of,
    .connect_timeout = 30 * USEC_SEC,
    .attempts = 8,
    .hosts = 5,
    .job_time = 45 * USEC_MIN,
    .hosts_time = 10 * USEC_MIN,
    .idle = 5 * USEC_SEC,
    .messages_per_connection = 100,
    .connections = 1000,
    .pace = PACE_DEFAULTS,
    .timeouts = RELAY_TIMEOUTS_DEFAULT,
};

struct relay *relay_new(const struct relay_options *options) {
    MUST(options->connect && options->dns.query && options->helo.len > 0 && options->attempts > 0);
    struct relay *relay = NEW(struct relay);
    relay->options = *options;
    relay->memory = options->memory ? host_memory_hold(options->memory) : host_memory_new();
    relay->sources = sources_new(&relay->options.dns, options->helo);
    relay->pool = pool_new(&(struct pool_options){
        .pace = options->pace,
        .idle = options->idle,
        .messages_per_connection = options->messages_per_connection,
        .connections = options->connections,
    });
    return relay;
}

void relay_free(struct relay *relay) {
    if (!relay)
        return;
    pool_free(relay->pool);
    host_memory_release(relay->memory);
    sources_free(relay->sources);
    free(relay);
}

struct host_memory *relay_memory(const struct relay *relay) {
    return relay->memory;
}

void relay_keep(void *arg) {
    struct relay *relay = arg;
    pool_keep(relay->pool);
}

struct slice relay_error(const struct relay *relay) {
    return slice_of_str(relay->login_error);
}

void relay_stats(const struct relay *relay, struct relay_stats *ret) {
    struct pool_stats stats;
    pool_stats(relay->pool, &stats);
    *ret = (struct relay_stats){
        .connections = stats.connections,
        .idle = stats.idle,
        .destinations = stats.destinations,
        .messages = relay->messages,
        .opened = stats.opened,
        .reused = stats.reused,
    };
}

/* ------------------------------------------------------------------ a job */

/*
 * Recipients that the present host has put off, or could not take before it was lost, go to another
 * one, or keep the words they have. 1: they go on; 0; or -ECANCELED.
 */
static int try_elsewhere(struct run *run, const struct relay_client *client, bool reused, int lost,
                         size_t offered) WAITS {
    char whom[64] = "";
    const struct relay_result *last = &run->failure;
    bool answered = reused ? lost == 0 : last->from_peer;
    int r = reach_another(run, answered, reused ? relay_client_peer(client) : S(""));
    if (r <= 0) {
        run_settle_open(run, last);
        return r;
    }
    if (offered > 1)
        (void)snprintf(whom, sizeof whom, " for %zu of %zu recipients", run->elsewhere, offered);
    relay_log(&run->job->voice, RELAY_STEP_PUT_OFF,
              "%.*s did not take it%s now, another host is tried: %.*s", SLICE_ARG(last->peer),
              whom, SLICE_ARG(smtp_reply_text(run->a, &last->reply)));
    run_move_on(run);
    return 1;
}

/* A connection has ended behind an answer, with recipients that its host was not asked for yet. */
static void ask_for_the_rest(struct run *run, const struct relay_client *client) {
    struct slice peer = relay_client_peer(client);
    struct relay_result result = {.disposition = RELAY_LATER,
                                  .reply = {451, {4, 4, 2}, {NULL, 0}},
                                  .peer = arena_copy(run->a, peer)};
    result.reply.text =
        arena_printf(run->a, "%.*s ended the connection before it was asked for all recipients",
                     SLICE_ARG(peer));
    run_note_failure(run, &result);
    if (run->opened)
        reach_same(run);
}

/* Uses one connection for as many rounds as it is good for. 0, or -ECANCELED. */
static int use_connection(struct run *run, struct pool_connection *connection) WAITS {
    struct pool *pool = run->relay->pool;
    bool reused = connection->client != NULL;
    int r = reused ? 0 : reach_next(run, connection);
    run->opened = !reused;
    if (r != 0) {
        pool_drop(pool, connection);
        if (r > 0)
            run_settle_open(run, &run->failure);
        return MIN(r, 0);
    }
    if (reused)
        relay_log(&run->job->voice, RELAY_STEP_CONNECTED,
                  "Using the open connection to %.*s, message %u, %.*s",
                  SLICE_ARG(relay_client_peer(connection->client)),
                  relay_client_messages(connection->client) + 1,
                  SLICE_ARG(relay_client_secrecy(connection->client)));
    size_t offered = run->here;
    int lost = run_send_rounds(run, connection, reused);
    bool useless = run->elsewhere == offered;
    if (lost < 0 && run->here > 0 && run->elsewhere == 0 && !fiber_cancelled())
        ask_for_the_rest(run, connection->client);
    if (run->elsewhere > 0 && !fiber_cancelled())
        r = try_elsewhere(run, connection->client, reused, lost, offered);
    if (lost < 0)
        pool_drop(pool, connection);
    else if ((r > 0 && useless) || relay_client_doubted(connection->client))
        pool_close(pool, connection);
    else
        pool_put(pool, connection);
    return fiber_cancelled() ? -ECANCELED : MIN(r, 0);
}

/*
 * A connection serves one domain, whose policies were judged when it was opened (demand.c), and
 * what asks for the same.
 */
static struct slice destination_key(struct run *run) {
    const struct dns_next_hop *to = &run->job->to;
    unsigned wishes =
        run->job->message.envelope.shape & (uint32_t)(SHAPE_REQUIRE_TLS | SHAPE_TLS_WAIVED);
    struct slice key = arena_printf(run->a, "%.*s:%u%s %d%d%d%u %.*s %.*s", SLICE_ARG(to->name),
                                    to->port, to->no_mx ? " host" : "", run->job->tls,
                                    run->job->policies, run->job->tls_first, wishes,
                                    SLICE_ARG(run->job->login ? run->job->login->user : S("")),
                                    SLICE_ARG(run->job->sts ? run->job->sts_text : S("")));
    (void)slice_lower(slice_first(key, to->name.len), (char *)key.ptr);
    return key;
}

/* The destination gives no connection now. A host of the settings is named as it is there. */
static int no_connection(struct run *run, int error, usec_t until) {
    const struct dns_next_hop *next = &run->job->to;
    struct slice to = next->name;
    if (next->no_mx && next->port != 25)
        to = arena_printf(run->a, "%.*s:%u", SLICE_ARG(to), next->port);
    struct relay_result result = {.disposition = RELAY_LATER, .reply = {451, {4, 4, 1}, {NULL, 0}}};
    if (error == -ECANCELED)
        return error;
    if (error == -E_TEMPORARY) {
        char span[TIME_TEXT_SIZE];
        run->outcome.rest = MAX(until - fiber_now(), (usec_t)1);
        run->outcome.rest_why =
            arena_copy(run->a, pool_why(run->relay->pool, destination_key(run)));
        result.reply.text = arena_printf(
            run->a, "No host of %.*s could be reached a short while ago; it rests for %.*s%s%.*s",
            SLICE_ARG(to), SLICE_ARG(time_format_span(run->outcome.rest, span)),
            run->outcome.rest_why.len ? ": " : "", SLICE_ARG(run->outcome.rest_why));
    } else {
        result.reply.status.detail = 5;
        result.reply.text = arena_printf(run->a, "No connection to %.*s became free: %s",
                                         SLICE_ARG(to), error_text(error));
    }
    run_settle_open(run, &result);
    return 0;
}

static int run_job(struct run *run) WAITS {
    struct pool *pool = run->relay->pool;
    struct slice key = destination_key(run);
    if (run->job->ignore_rest)
        pool_wake(pool, key);
    while (run->here > 0) {
        struct pool_connection *connection;
        usec_t until = 0;
        int r = pool_take(pool, key, run->fresh, &connection, &until);
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
    size_t count = job->message.envelope.count;
    MUST(count > 0);
    struct run run = {.relay = relay, .job = job, .a = a, .began = fiber_now()};
    run.outcome.results = arena_array(a, count, sizeof *run.outcome.results);
    run.outcome.count = count;
    run.places = arena_array(a, count, sizeof *run.places);
    for (size_t i = 0; i < count; i++)
        run_set_place(&run, i, RUN_HERE);
    relay->messages++;
    int r = run_job(&run);
    run.outcome.dialogue = arena_copy(a, buf_slice(&run.dialogue));
    buf_done(&run.dialogue);
    if (r == 0)
        *ret = run.outcome;
    return r;
}
