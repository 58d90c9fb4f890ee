/* SPDX-License-Identifier: ISC */
/*
 * A round hands recipients to one connection. Each comes back settled or, with the words to use if
 * nothing better follows, open again: for the same host, which takes only some recipients at once,
 * or for another one, because this host put it off or failed before the message was complete
 * (RFC 5321 §5.1).
 *
 * An idle connection may have been closed by the peer at the very moment it is used. If it fails
 * before the peer answered anything, nothing was handed over, and the round counts for nothing.
 */
#include <errno.h>

#include "base/alloc.h"
#include "relay/run.h"

/* ------------------------------------------------------------------ handing over */

/* The recipients of one transaction. */
struct round {
    struct relay_message message;
    struct recipient recipients[RELAY_RECIPIENTS_MAX];
    struct relay_result results[RELAY_RECIPIENTS_MAX];
    size_t places[RELAY_RECIPIENTS_MAX]; /* in the job */
};

static void fill_round(const struct run *run, bool alone, struct round *round) {
    size_t room = alone ? 1 : RELAY_RECIPIENTS_MAX;
    const struct envelope *all = &run->job->message.envelope;
    struct envelope *some = &round->message.envelope;
    round->message = run->job->message;
    some->recipients = round->recipients;
    some->count = 0;
    for (size_t i = 0; i < all->count && some->count < room; i++) {
        if (run->places[i] != RUN_HERE)
            continue;
        round->places[some->count] = i;
        round->recipients[some->count++] = all->recipients[i];
    }
}

/*
 * A host of the settings that wants another login, or one at all (RFC 4954 §6), has nothing against
 * the message: its postmaster or ours has to do something.
 */
static void forgive_login(const struct run *run, struct relay_result *result) {
    unsigned code = result->reply.code;
    if (!run->job->smart_host || result->disposition != RELAY_NEVER)
        return;
    if (code != 530 && code != 534 && code != 535 && code != 538)
        return;
    relay_log(&run->job->voice, RELAY_STEP_LOGIN_FAILED, "%.*s wants a login: %.*s",
              SLICE_ARG(result->peer), SLICE_ARG(smtp_reply_text(run->a, &result->reply)));
    result->disposition = RELAY_LATER;
    result->reply.status = (struct smtp_status){4, 7, 0};
}

/* Where a recipient goes that a round gave back. */
static enum run_place place_of(const struct relay_result *result, bool progress) {
    if (result->disposition != RELAY_LATER || result->unsure)
        return RUN_SETTLED;
    if (result->too_many && progress)
        return RUN_HERE;
    return result->next_host || result->from_peer ? RUN_ELSEWHERE : RUN_SETTLED;
}

static void take_results(struct run *run, struct pool_connection *connection, struct round *round) {
    bool delivered = false, complained = false, progress = false;
    for (size_t i = 0; i < round->message.envelope.count; i++) {
        struct relay_result *result = &round->results[i];
        forgive_login(run, result);
        delivered = delivered || result->disposition == RELAY_DELIVERED;
        complained = complained || result->reply.code == 421;
        progress = progress || !result->too_many;
        run->connected = run->connected || result->from_peer;
    }
    for (size_t i = 0; i < round->message.envelope.count; i++) {
        const struct relay_result *result = &round->results[i];
        enum run_place place = place_of(result, progress);
        run->outcome.results[round->places[i]] = *result;
        run_set_place(run, round->places[i], place);
        if (place != RUN_ELSEWHERE)
            continue;
        run_note_failure(run, result);
    }
    if (delivered)
        pool_succeeded(run->relay->pool, connection);
    if (complained)
        pool_busy(run->relay->pool, connection);
}

/* A first message that breaks off inside TLS may get through without, at once unless it has. */
static void judge_tls(struct run *run, const struct relay_client *client,
                      const struct round *round) {
    bool unsure = false, lost = false;
    if (!relay_client_tls(client) || relay_client_messages(client) > 1 ||
        tls_policy_demands(&run->policy))
        return;
    for (size_t i = 0; i < round->message.envelope.count; i++) {
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
    while (at < round->message.envelope.count && !round->results[at].farewell)
        at++;
    if (at == round->message.envelope.count || round->message.envelope.count == 1 ||
        !reach_again(run))
        return;
    relay_log(&run->job->voice, RELAY_STEP_PUT_OFF, "Trying again without %.*s: %.*s",
              SLICE_ARG(round->recipients[at].address),
              SLICE_ARG(smtp_reply_text(run->a, &round->results[at].reply)));
    run_set_place(run, round->places[at], RUN_SETTLED);
    run_move_on(run);
}

/*
 * One transaction. 0: the connection is usable; negative: it is over. Results of an idle connection
 * that was dead are not taken.
 */
static int send_round(struct run *run, struct pool_connection *connection, bool reused,
                      struct round *round) WAITS {
    struct relay_client *client = connection->client;
    fill_round(run, relay_client_one_by_one(client), round);
    int r = relay_client_send(client, &round->message, run->a, round->results);
    bool was_dead = r < 0 && reused && relay_client_unanswered(client);
    run_add_dialogue(run, relay_client_peer(client), relay_client_take_dialogue(client, run->a));
    run->outcome.tls = relay_client_tls(client);
    if (was_dead) {
        relay_log(&run->job->voice, RELAY_STEP_UNREACHABLE, "That connection was closed meanwhile");
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
    struct relay_result result = {.disposition = RELAY_LATER, .reply = {451, {4, 4, 2}, {NULL, 0}}};
    if (fiber_now() < run->began + run->relay->options.job_time)
        return false;
    result.reply.text =
        arena_printf(run->a, "%.*s is slow, the recipients that are left wait for the next attempt",
                     SLICE_ARG(relay_client_peer(client)));
    run_settle_open(run, &result);
    return true;
}

int run_send_rounds(struct run *run, struct pool_connection *connection, bool reused) WAITS {
    struct round *round = mem_zero(sizeof *round);
    int r = 0;
    while (r == 0 && run->here > 0 && !is_late(run, connection->client)) {
        r = send_round(run, connection, reused, round);
        reused = false;
    }
    free(round);
    return r;
}
