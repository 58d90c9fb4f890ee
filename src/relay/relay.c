/* SPDX-License-Identifier: ISC */
/*
 * A job runs in rounds. A round hands recipients to one connection. Each comes back settled or,
 * with the words to use if nothing better follows, open again: for the same host, which takes only
 * some recipients at once, or for another one, because this host put it off or failed before the
 * letter was complete (RFC 5321 §5.1). The rounds end when none is open, when no host is left, or
 * when enough were tried (reach.c).
 *
 * An idle connection may have been closed by the peer at the very moment it is used. If it fails
 * before the peer answered anything, nothing was handed over, and the round counts for nothing.
 */
#include "relay/relay.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "relay/run.h"

const struct relay_options relay_options_default = {
    .connect = net_connect,
    .connect_timeout = 30 * USEC_SEC,
    .attempts = 8,
    .hosts = 5,
    .job_time = 45 * USEC_MIN,
    .hosts_time = 10 * USEC_MIN,
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
    relay->memory = options->memory ? host_memory_hold(options->memory) : host_memory_new();
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
    host_memory_release(relay->memory);
    free(relay);
}

struct host_memory *relay_memory(const struct relay *relay) {
    return relay->memory;
}

void relay_keep(void *arg) {
    struct relay *relay = arg;
    pool_keep(relay->pool);
}

struct slice relay_trouble(const struct relay *relay) {
    return slice_of_str(relay->login_trouble);
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

void run_note_trouble(struct run *run, const struct relay_result *result) {
    bool for_now = run->trouble.reply.code && run->trouble.fate == RELAY_LATER;
    if (result->fate == RELAY_NEVER && for_now)
        return;
    run->trouble = *result;
}

void run_add_dialogue(struct run *run, struct slice peer, struct slice text) {
    if (text.len == 0 || run->dialogue.len + text.len > 4 * (size_t)RELAY_DIALOGUE_MAX)
        return;
    buf_printf(&run->dialogue, "-- %.*s\n", SLICE_ARG(peer));
    buf_add(&run->dialogue, text);
}

static void set_place(struct run *run, size_t i, enum run_place place) {
    run->here -= run->places[i] == RUN_HERE;
    run->elsewhere -= run->places[i] == RUN_ELSEWHERE;
    run->here += place == RUN_HERE;
    run->elsewhere += place == RUN_ELSEWHERE;
    run->places[i] = place;
}

/* What is open keeps the words it has, or gets these. */
static void settle_open(struct run *run, const struct relay_result *result) {
    for (size_t i = 0; i < run->outcome.count; i++) {
        if (run->places[i] == RUN_SETTLED)
            continue;
        if (!run->outcome.results[i].reply.code)
            run->outcome.results[i] = *result;
        set_place(run, i, RUN_SETTLED);
    }
}

/* What the present host has put off is for the next one. */
static void move_on(struct run *run) {
    for (size_t i = 0; i < run->outcome.count; i++)
        if (run->places[i] == RUN_ELSEWHERE)
            set_place(run, i, RUN_HERE);
}

/* ------------------------------------------------------------------ handing over */

/* The recipients of one transaction. */
struct round {
    struct relay_letter letter;
    struct relay_recipient recipients[RELAY_RECIPIENTS_MAX];
    struct relay_result results[RELAY_RECIPIENTS_MAX];
    size_t places[RELAY_RECIPIENTS_MAX]; /* in the job */
};

static void fill_round(const struct run *run, bool alone, struct round *round) {
    size_t room = alone ? 1 : RELAY_RECIPIENTS_MAX;
    const struct relay_letter *letter = &run->job->letter;
    round->letter = *letter;
    round->letter.recipients = round->recipients;
    round->letter.count = 0;
    for (size_t i = 0; i < letter->count && round->letter.count < room; i++) {
        if (run->places[i] != RUN_HERE)
            continue;
        round->places[round->letter.count] = i;
        round->recipients[round->letter.count++] = letter->recipients[i];
    }
}

/*
 * A host of the settings that wants another login, or one at all (RFC 4954 §6), has nothing against
 * the letter: its postmaster or ours has to do something.
 */
static void forgive_login(const struct run *run, struct relay_result *result) {
    unsigned code = result->reply.code;
    if (!run->job->smart_host || result->fate != RELAY_NEVER)
        return;
    if (code != 530 && code != 534 && code != 535 && code != 538)
        return;
    relay_say(&run->job->voice, RELAY_STEP_LOGIN_FAILED, "%.*s wants a login: %.*s",
              SLICE_ARG(result->peer), SLICE_ARG(smtp_reply_text(run->a, &result->reply)));
    result->fate = RELAY_LATER;
    result->reply.status = (struct smtp_status){4, 7, 0};
}

/* Where a recipient goes that a round gave back. */
static enum run_place place_of(const struct relay_result *result, bool progress) {
    if (result->fate != RELAY_LATER || result->unsure)
        return RUN_SETTLED;
    if (result->too_many && progress)
        return RUN_HERE;
    return result->next_host || result->from_peer ? RUN_ELSEWHERE : RUN_SETTLED;
}

static void take_results(struct run *run, struct pool_connection *connection, struct round *round) {
    bool delivered = false, complained = false, progress = false;
    for (size_t i = 0; i < round->letter.count; i++) {
        struct relay_result *result = &round->results[i];
        forgive_login(run, result);
        delivered = delivered || result->fate == RELAY_DELIVERED;
        complained = complained || result->reply.code == 421;
        progress = progress || !result->too_many;
        run->connected = run->connected || result->from_peer;
    }
    for (size_t i = 0; i < round->letter.count; i++) {
        const struct relay_result *result = &round->results[i];
        enum run_place place = place_of(result, progress);
        run->outcome.results[round->places[i]] = *result;
        set_place(run, round->places[i], place);
        if (place != RUN_ELSEWHERE)
            continue;
        run_note_trouble(run, result);
    }
    if (delivered)
        pool_succeeded(run->relay->pool, connection);
    if (complained)
        pool_busy(run->relay->pool, connection);
}

/* A first letter that breaks off inside TLS may get through without, at once unless it has. */
static void judge_tls(struct run *run, const struct relay_client *client,
                      const struct round *round) {
    bool unsure = false, lost = false;
    if (!relay_client_tls(client) || relay_client_letters(client) > 1 || run_demands_tls(run))
        return;
    for (size_t i = 0; i < round->letter.count; i++) {
        const struct relay_result *result = &round->results[i];
        unsure = unsure || result->unsure;
        lost = lost || (result->next_host && !result->from_peer);
    }
    if (unsure || lost)
        reach_without_tls(run, !unsure);
}

/*
 * A host that says 421 at the same recipient each time would keep the others waiting with it: where
 * it comes again they go on at once without.
 */
static void spare_others(struct run *run, const struct round *round) {
    size_t at = 0;
    while (at < round->letter.count && !round->results[at].farewell)
        at++;
    if (at == round->letter.count || round->letter.count == 1 || !reach_again(run))
        return;
    relay_say(&run->job->voice, RELAY_STEP_PUT_OFF, "Trying again without %.*s: %.*s",
              SLICE_ARG(round->recipients[at].address),
              SLICE_ARG(smtp_reply_text(run->a, &round->results[at].reply)));
    set_place(run, round->places[at], RUN_SETTLED);
    move_on(run);
}

/*
 * One transaction. 0: the connection is usable; negative: it is over. Results of an idle connection
 * that was dead are not taken.
 */
static int send_round(struct run *run, struct pool_connection *connection, bool reused,
                      struct round *round) WAITS {
    struct relay_client *client = connection->client;
    fill_round(run, relay_client_one_by_one(client), round);
    int r = relay_client_send(client, &round->letter, run->a, round->results);
    bool was_dead = r < 0 && reused && relay_client_unanswered(client);
    run_add_dialogue(run, relay_client_peer(client), relay_client_take_dialogue(client, run->a));
    run->outcome.tls = relay_client_tls(client);
    if (was_dead) {
        relay_say(&run->job->voice, RELAY_STEP_UNREACHABLE, "That connection was closed meanwhile");
        return r;
    }
    take_results(run, connection, round);
    if (r < 0 && run->opened && relay_client_begins_anew(client))
        reach_one_by_one(run);
    else if (r < 0 && run->opened && relay_client_breaks_pipelining(client) && !fiber_cancelled())
        reach_without_pipelining(run, r != -ETIMEDOUT);
    else if (r < 0 && !fiber_cancelled())
        judge_tls(run, client, round);
    if (r < 0 && run->opened)
        spare_others(run, round);
    return r;
}

/* Whoever is late gets no answer, not even for those who were delivered. */
static bool is_late(struct run *run, const struct relay_client *client) {
    struct relay_result result = {.fate = RELAY_LATER, .reply = {451, {4, 4, 2}, {NULL, 0}}};
    if (fiber_now() < run->began + run->relay->options.job_time)
        return false;
    result.reply.text =
        arena_printf(run->a, "%.*s is slow, the recipients that are left wait for the next attempt",
                     SLICE_ARG(relay_client_peer(client)));
    settle_open(run, &result);
    return true;
}

/* As many transactions as the connection is good for. 0: it is still usable. */
static int send_rounds(struct run *run, struct pool_connection *connection, bool reused) WAITS {
    struct round *round = mem_zero(sizeof *round);
    int r = 0;
    while (r == 0 && run->here > 0 && !is_late(run, connection->client)) {
        r = send_round(run, connection, reused, round);
        reused = false;
    }
    free(round);
    return r;
}

/*
 * Recipients that the present host has put off, or could not take before it was lost, go to another
 * one, or keep the words they have. 1: they go on; 0; or -ECANCELED.
 */
static int try_elsewhere(struct run *run, const struct relay_client *client, bool reused, int lost,
                         size_t offered) WAITS {
    char whom[64] = "";
    const struct relay_result *last = &run->trouble;
    bool answered = reused ? lost == 0 : last->from_peer;
    int r = reach_another(run, answered, reused ? relay_client_peer(client) : S(""));
    if (r <= 0) {
        settle_open(run, last);
        return r;
    }
    if (offered > 1)
        (void)snprintf(whom, sizeof whom, " for %zu of %zu recipients", run->elsewhere, offered);
    relay_say(&run->job->voice, RELAY_STEP_PUT_OFF,
              "%.*s did not take it%s now, another host is tried: %.*s", SLICE_ARG(last->peer),
              whom, SLICE_ARG(smtp_reply_text(run->a, &last->reply)));
    move_on(run);
    return 1;
}

/* A connection has ended behind an answer, with recipients that its host was not asked for yet. */
static void ask_for_the_rest(struct run *run, const struct relay_client *client) {
    struct slice peer = relay_client_peer(client);
    struct relay_result result = {.fate = RELAY_LATER,
                                  .reply = {451, {4, 4, 2}, {NULL, 0}},
                                  .peer = arena_copy(run->a, peer)};
    result.reply.text =
        arena_printf(run->a, "%.*s ended the connection before it was asked for all recipients",
                     SLICE_ARG(peer));
    run_note_trouble(run, &result);
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
            settle_open(run, &run->trouble);
        return MIN(r, 0);
    }
    if (reused)
        relay_say(&run->job->voice, RELAY_STEP_CONNECTED,
                  "Using the open connection to %.*s, letter %u",
                  SLICE_ARG(relay_client_peer(connection->client)),
                  relay_client_letters(connection->client) + 1);
    size_t offered = run->here;
    int lost = send_rounds(run, connection, reused);
    bool useless = run->elsewhere == offered;
    if (lost < 0 && run->here > 0 && run->elsewhere == 0 && !fiber_cancelled())
        ask_for_the_rest(run, connection->client);
    if (run->elsewhere > 0 && !fiber_cancelled())
        r = try_elsewhere(run, connection->client, reused, lost, offered);
    if (lost < 0)
        pool_drop(pool, connection);
    else if (r > 0 && useless)
        pool_close(pool, connection);
    else
        pool_put(pool, connection);
    return fiber_cancelled() ? -ECANCELED : MIN(r, 0);
}

static struct slice destination_key(struct run *run) {
    const struct dns_next_hop *to = &run->job->to;
    struct slice key = arena_printf(run->a, "%.*s:%u%s %d%d %.*s", SLICE_ARG(to->name), to->port,
                                    to->no_mx ? " host" : "", run->job->tls, run->job->tls_first,
                                    SLICE_ARG(run->job->login ? run->job->login->user : S("")));
    char *text = (char *)key.ptr;
    for (size_t i = 0; i < to->name.len; i++)
        text[i] = ascii_lower(text[i]);
    return key;
}

/* As the settings name a host: with its port, unless that is the usual one. */
static struct slice destination_name(const struct run *run) {
    const struct dns_next_hop *to = &run->job->to;
    if (!to->no_mx || to->port == 25)
        return to->name;
    return arena_printf(run->a, "%.*s:%u", SLICE_ARG(to->name), to->port);
}

/* The destination gives no connection now. */
static int no_connection(struct run *run, int error, usec_t until) {
    struct slice to = destination_name(run);
    struct relay_result result = {.fate = RELAY_LATER, .reply = {451, {4, 4, 1}, {NULL, 0}}};
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
    settle_open(run, &result);
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
    size_t count = job->letter.count;
    MUST(count > 0);
    struct run run = {.relay = relay, .job = job, .a = a, .began = fiber_now()};
    run.outcome.results = arena_array(a, count, sizeof *run.outcome.results);
    run.outcome.count = count;
    run.places = arena_array(a, count, sizeof *run.places);
    for (size_t i = 0; i < count; i++)
        set_place(&run, i, RUN_HERE);
    relay->letters++;
    int r = run_job(&run);
    run.outcome.dialogue = arena_copy(a, buf_slice(&run.dialogue));
    buf_done(&run.dialogue);
    if (r == 0)
        *ret = run.outcome;
    return r;
}
