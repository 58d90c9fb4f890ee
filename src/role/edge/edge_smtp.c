/* SPDX-License-Identifier: ISC */
/*
 * SMTP at the edge: the decisions behind the session.
 */
#include "role/edge/edge_smtp.h"
#include "message/srs.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "directory/directory.h"

#define ROOM_ASKED_FROM ((uint64_t)1 << 20) /* smaller messages are refused when they come */
#define LOGIN_LIMIT     (LOGIN_WAIT_MAX + 10 * USEC_SEC)

/* ------------------------------------------------------------------ settings */

static struct smtp_limits limits_of(const struct conf *conf, bool submission) {
    return (struct smtp_limits){
        .command_line_max = conf->smtp.command_line_max,
        .auth_line_max = conf->smtp.auth_line_max,
        .text_line_max = submission ? SIZE_MAX : conf->smtp.text_line_max, /* edge_lines.c */
        .header_max = submission ? conf->submission.header_max : conf->smtp.header_max,
        .message_size_max =
            submission ? conf->submission.message_size_max : conf->smtp.message_size_max,
        .recipients_max = submission ? conf->submission.recipients_max : conf->smtp.recipients_max,
        .messages_per_connection =
            submission ? conf->submission.messages_per_session : conf->smtp.messages_per_connection,
        .received_max = conf->smtp.received_max,
        .soft_errors = conf->smtp.soft_errors,
        .hard_errors = conf->smtp.hard_errors,
        .junk_commands = conf->smtp.junk_commands,
        .login_failures = conf->smtp.login_failures,
        .timeout = conf->smtp.timeout,
        .login_timeout = conf->smtp.login_timeout,
        .stress_timeout = conf->smtp.stress_timeout,
        .greeting_wait = conf->smtp.greeting_wait,
        .error_delay = conf->smtp.error_delay,
        .min_rate = conf->smtp.min_rate,
    };
}

/* ------------------------------------------------------------------ TLS, login */

static int start_tls(void *arg, struct stream *s, struct tls_facts *ret_facts,
                     struct problem *problem) WAITS {
    struct edge_smtp *m = arg;
    int r = edge_start_tls(m->connection, s, problem);
    if (r == 0 && !tls_facts(s, ret_facts))
        r = -E_TLS;
    return r;
}

static bool under_stress(void *arg) {
    return edge_under_stress(((struct edge_smtp *)arg)->connection->edge);
}

static bool login_ended(void *arg) {
    return ((struct edge_smtp *)arg)->connection->login_ended;
}

static bool keep(void *arg, size_t bytes) {
    struct edge_smtp *m = arg;
    struct edge_connection *c = m->connection;
    size_t before = m->envelope_memory;
    if (bytes > before && !edge_has_memory(c, bytes - before))
        return false;
    edge_count_memory(c->edge, &m->envelope_memory, bytes);
    return true;
}

static int ask_directory(struct edge_smtp *m, const struct rpc_directory_login_in *in,
                         struct arena *a, struct rpc_directory_login_out *ret) WAITS {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + LOGIN_LIMIT);
    return call_directory_login(edge_link(m->connection, ROLE_DIRECTORY), in, a, ret, NULL);
}

/* One step more: what the directory asks goes to the client, and his response back. */
static int ask_on(struct edge_smtp *m, const struct smtp_login *login, struct arena *a,
                  struct rpc_directory_login_out *ret) WAITS {
    struct rpc_directory_login_step_in in = {.conversation = ret->login.conversation};
    struct rpc_directory_login_step_out out;
    int r = login->ask(login, ret->login.challenge, &in.response);
    if (r < 0)
        return r;
    if (in.response.len > LOGIN_CHALLENGE_MAX)
        return -E_SYNTAX;
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + LOGIN_LIMIT);
    r = call_directory_login_step(edge_link(m->connection, ROLE_DIRECTORY), &in, a, &out, NULL);
    *ret = (struct rpc_directory_login_out){.login = out.login, .ticket = out.ticket};
    return r;
}

static int login(void *arg, const struct smtp_client *client, const struct smtp_login *login,
                 struct arena *a, struct slice *ret_account) WAITS {
    struct edge_smtp *m = arg;
    const struct sasl_credentials *credentials = login->credentials;
    struct rpc_directory_login_in in = {
        .service = m->connection->door->service,
        .request = {.name = credentials->name,
                    .act_as = credentials->act_as,
                    .password = credentials->password,
                    .peer = edge_peer_bytes(m->connection)},
    };
    struct rpc_directory_login_out out;
    (void)client;
    int r = ask_directory(m, &in, a, &out);
    while (r == 0 && out.login.outcome == LOGIN_CHALLENGE)
        r = ask_on(m, login, a, &out);
    if (r < 0)
        return r;
    edge_log_login(m->connection, &out.login, credentials->name);
    if (out.login.hold > 0 && fiber_sleep(out.login.hold) < 0)
        return -E_TEMPORARY;
    if (out.login.outcome == LOGIN_WRONG)
        return -E_REFUSED;
    if (out.login.outcome != LOGIN_WELCOME)
        return -E_TEMPORARY;
    m->account = m->connection->account = out.login.account_id;
    (void)slice_to_str(out.login.address, m->account_address, sizeof m->account_address);
    *ret_account = arena_copy(a, out.login.address);
    return 0;
}

/* ------------------------------------------------------------------ MAIL */

/* A user sends under addresses of his own only. */
static int check_own_address(struct edge_smtp *m, struct slice address, struct arena *a,
                             struct smtp_reply *ret_reply) WAITS {
    struct rpc_directory_may_send_as_in in = {m->account, address};
    struct rpc_directory_may_send_as_out out;
    if (address.len == 0) /* notifications of mail programs: RFC 8098 §3 */
        return 0;
    int r =
        call_directory_may_send_as(edge_link(m->connection, ROLE_DIRECTORY), &in, a, &out, NULL);
    if (r == 0 && !out.may) {
        *ret_reply = SMTP_REPLY(553, 5, 7, 1, "");
        ret_reply->text = arena_printf(a, "%.*s is not an address of %s" EDGE_OWN_SENDER,
                                       SLICE_ARG(address), m->account_address);
    }
    return r;
}

static int judge_sender(struct edge_smtp *m, const struct smtp_transaction *t, struct arena *a,
                        struct smtp_reply *ret_reply) WAITS {
    struct rpc_queue_room_in in = {t->size};
    struct rpc_queue_room_out out = {.room = true};
    *ret_reply = SMTP_REPLY(250, 2, 1, 0, "Sender OK");
    if (t->size >= ROOM_ASKED_FROM &&
        call_queue_room(edge_link(m->connection, ROLE_QUEUE), &in, a, &out, NULL) == 0 &&
        !out.room) {
        *ret_reply = SMTP_REPLY(452, 4, 3, 1, "No room for a message of this size now");
        return 0;
    }
    return m->account ? check_own_address(m, t->envelope.reverse_path, a, ret_reply) : 0;
}

static int sender(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                  struct arena *a, struct smtp_reply *ret_reply) WAITS {
    struct edge_smtp *m = arg;
    (void)client;
    edge_room_begin(m);
    t->id = queue_id_next(&m->connection->edge->ids, fiber_wall());
    int r = ret_reply->code ? 0 : judge_sender(m, t, a, ret_reply);
    if (r == 0 && !smtp_reply_ok(ret_reply))
        edge_log_sender(m, t, ret_reply, a);
    return r;
}

/* ------------------------------------------------------------------ RCPT */

/*
 * A mail program shows its user this sentence and nothing else, perhaps for one recipient of many:
 * so it names the address, between `before` and `behind`.
 */
static const struct refusal {
    struct smtp_reply reply;
    const char *before, *behind;
} refusals[] = {
    [ROUTE_NOT_OURS] = {{550, {5, 7, 1}},
                        "Relaying to ",
                        " denied; users of this server log in on port 465 or 587"},
    [ROUTE_UNKNOWN_USER] = {{550, {5, 1, 1}},
                            "There is no address ",
                            " here, please check how it is written"},
    [ROUTE_DISABLED] = {{550, {5, 2, 1}}, "The mailbox of ", " is closed"},
    [ROUTE_LOOP] = {{550, {5, 4, 6}},
                    "The address ",
                    " leads in a circle, please tell the postmaster here"},
    [ROUTE_BAD_ADDRESS] = {{501, {5, 1, 3}}, "", " is not an address"},
    [ROUTE_TEMPORARY] = {{451, {4, 3, 0}},
                         "Where the address ",
                         " leads cannot be looked up now, try again later"},
};

static struct smtp_reply verdict(const struct edge_smtp *m, enum route_kind kind,
                                 struct slice address, struct arena *a) {
    if (kind == ROUTE_LOCAL)
        return SMTP_REPLY(250, 2, 1, 5, "Recipient OK");
    if (kind == ROUTE_NOT_OURS && edge_may_relay(m))
        return SMTP_REPLY(250, 2, 1, 5, "Recipient OK, will be sent on");
    const struct refusal *refusal =
        &refusals[(size_t)kind < ARRAY_SIZE(refusals) ? kind : ROUTE_TEMPORARY];
    struct smtp_reply reply = refusal->reply;
    reply.text = arena_printf(a, "%s%.*s%s", refusal->before, SLICE_ARG(address), refusal->behind);
    return reply;
}

static int rcpt(void *arg, const struct smtp_client *client, const struct smtp_transaction *t,
                struct slice address, struct arena *a, struct smtp_reply *ret_reply) WAITS {
    struct edge_smtp *m = arg;
    struct route route;
    usec_t asked;
    (void)client;
    int r = routes_resolve(m->connection->edge->routes, address, a, &route, &asked, NULL);
    if (r < 0)
        return r;
    *ret_reply = verdict(m, route.kind, address, a);
    if (route.kind == ROUTE_LOCAL && t->envelope.reverse_path.len > 0 && route.mailbox_count == 0 &&
        srs_is(address)) {
        *ret_reply = SMTP_REPLY(550, 5, 7, 1, "To this address only reports come back");
    } else if (route.kind == ROUTE_LOCAL) {
        struct smtp_reply full = edge_room_judge(m, address, &route, asked, t->size, a);
        struct route now; /* what refuses is no older answer */
        if (full.code &&
            routes_resolve(m->connection->edge->routes, address, a, &now, NULL, NULL) == 0 &&
            now.kind == ROUTE_LOCAL)
            full = edge_room_judge(m, address, &now, fiber_now(), t->size, a);
        *ret_reply = full.code ? full : *ret_reply;
    }
    if (!smtp_reply_ok(ret_reply))
        edge_log_recipient(m, t, address, ret_reply, a);
    return 0;
}

/* ------------------------------------------------------------------ events */

static void event(void *arg, enum smtp_event_kind kind, queue_id id, struct slice text) {
    struct edge_smtp *m = arg;
    (void)id;
    if (kind == SMTP_EVENT_LOGIN_BARE)
        edge_log_bare_login(m->connection, S(""));
    else
        edge_dialogue_add(m, kind, text);
}

static const struct smtp_host host_functions = {
    .start_tls = start_tls,
    .under_stress = under_stress,
    .login_ended = login_ended,
    .keep = keep,
    .sender = sender,
    .rcpt = rcpt,
    .login = login,
    .message_begin = edge_message_begin,
    .message_write = edge_message_write,
    .message_end = edge_message_end,
    .message_abort = edge_message_abort,
    .event = event,
};

/* ------------------------------------------------------------------ sessions */

static void serve(struct edge_connection *c, enum smtp_service service) WAITS {
    const struct conf *conf = c->settings->conf;
    struct edge_smtp *m = NEW(struct edge_smtp);
    struct smtp_host host = host_functions;
    m->connection = c;
    m->listener = (struct smtp_listener){
        .service = service,
        .hostname = conf->hostname,
        .banner = conf->smtp.banner,
        .tls = edge_has_tls(c->edge),
        .tls_first = c->port->tls_first,
        .plaintext_login = conf->login.allow_plaintext,
        .limits = limits_of(conf, service == SMTP_SUBMISSION),
    };
    host.arg = m;
    smtp_session(c->stream, &host, &m->listener, &c->peer);
    edge_dialogue_end(m);
    free(m);
}

void edge_serve_receiving(struct edge_connection *c) {
    serve(c, SMTP_RECEIVING);
}

void edge_serve_submission(struct edge_connection *c) {
    serve(c, SMTP_SUBMISSION);
}
