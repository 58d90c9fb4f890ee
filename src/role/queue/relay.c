/* SPDX-License-Identifier: ISC */
/*
 * The relay role: hands messages to other hosts. What it does is in src/relay/; here it gets its
 * questions to the resolver, its settings, and its calls from the queue.
 *
 * New settings make a new relay, which takes over what the old one remembers of hosts' faults. The
 * old one says QUIT to its idle hosts, finishes what it is transmitting, and goes with the last
 * user.
 */
#include <errno.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "queue/queue.h"
#include "relay/via.h"
#include "role/dns_link.h"
#include "role/queue/relay_files.h"
#include "role/roles.h"

#define CONNECTIONS_MAX 1000U

struct relaying {
    struct process_settings *settings;
    struct relay *relay;
    struct tls_context *tls, *tls_verifying;
    struct slice passwords; /* text of the file */
    struct slice own_name;
    struct net_addr *own_addresses; /* that we listen on */
    struct fiber *keeper;           /* NULL before it runs */
    bool retired;                   /* newer settings have come */
    unsigned users;                 /* the keeper and transmissions */
};

static void relaying_leave(struct relaying *state) {
    if (--state->users > 0)
        return;
    relay_free(state->relay);
    tls_context_free(state->tls);
    tls_context_free(state->tls_verifying);
    relay_files_forget(&state->passwords);
    free(state->own_addresses);
    process_settings_release(state->settings);
    free(state);
}

static void set_timeouts(struct relay_timeouts *t, const struct conf *conf) {
    t->greeting = conf->relay.greeting_timeout;
    t->command = conf->relay.command_timeout;
    t->mail = conf->relay.mail_timeout;
    t->rcpt = conf->relay.rcpt_timeout;
    t->data_start = conf->relay.data_timeout;
    t->data_block = conf->relay.data_block_timeout;
    t->data_end = conf->relay.data_end_timeout;
    t->tls = MIN(t->tls, t->command);
}

/* What we listen on is ourselves: a message that leads there goes in circles. */
static void set_own(struct relaying *state, struct relay_options *o, const struct conf *conf) {
    state->own_name = conf->hostname;
    state->own_addresses = mem_array(conf->listen.count, sizeof *state->own_addresses);
    for (size_t i = 0; i < conf->listen.count; i++) {
        state->own_addresses[i] = conf->listen.list[i];
        net_set_port(&state->own_addresses[i], (uint16_t)(25 + conf->port_offset));
    }
    o->own_names = &state->own_name;
    o->own_name_count = 1;
    o->own_addresses = state->own_addresses;
    o->own_address_count = conf->listen.count;
    o->loopback_is_own = conf->port_offset == 0;
}

/* Without them the messages that need them wait; the others go on. */
static void read_files(struct process *p, struct relaying *state) WAITS {
    const struct conf *conf = state->settings->conf;
    struct problem problem = {{0}};
    struct slice authorities;
    int r = relay_files_read(p->handed.passwords, RELAY_PASSWORDS_MAX, &state->passwords);
    if (r < 0)
        process_event(p, 0, KIND_WARNING, NULL, 0, "relay.password-file cannot be read: %s",
                      error_text(r));
    r = relay_files_read(p->handed.authorities, RELAY_AUTHORITIES_MAX, &authorities);
    if (r == 0)
        r = tls_verifying_client_new(authorities, &state->tls_verifying, &problem);
    relay_files_forget(&authorities);
    if (r < 0 && (conf->relay.mta_sts || relay_via_verifies(conf)))
        process_event(p, 0, KIND_WARNING, NULL, 0,
                      "relay.authorities: %s; no certificate can be verified",
                      problem.text[0] ? problem.text : error_text(r));
}

static void keep(void *arg) WAITS {
    struct relaying *state = arg;
    state->keeper = fiber_self();
    if (!state->retired)
        relay_keep(state->relay);
    relaying_leave(state);
}

static int start_relaying(struct process *p, struct relaying *state,
                          struct problem *problem) WAITS {
    const struct relaying *before = p->state;
    struct relay_options o = relay_options_default;
    const struct conf *conf = state->settings->conf;
    o.helo = conf->hostname;
    o.dns = dns_link_client(process_link(p, ROLE_RESOLVER, 0));
    o.connect = net_connect;
    o.trusted = &conf->smtp.trusted_networks;
    o.connect_timeout = conf->relay.connect_timeout;
    o.idle = conf->relay.idle_timeout;
    o.connections = CONNECTIONS_MAX;
    o.pace.start = conf->relay.connections_start;
    o.pace.limit = conf->relay.connections_max;
    set_timeouts(&o.timeouts, conf);
    set_own(state, &o, conf);
    for (size_t i = 0; i < conf->relay.source_addresses.count; i++) {
        const struct net_addr *a = &conf->relay.source_addresses.list[i];
        if (a->any.sa_family == AF_INET6)
            o.source_ipv6 = a;
        else
            o.source_ipv4 = a;
    }
    int r = tls_client_new(&state->tls, problem);
    if (r < 0)
        return r;
    read_files(p, state);
    o.tls = state->tls;
    o.tls_verifying = state->tls_verifying;
    o.memory = before ? relay_memory(before->relay) : NULL;
    state->relay = relay_new(&o);
    return fiber_spawn_under(p->root, "relay keeper", keep, state);
}

/* Makes the relay of the settings in force, whose only user is its keeper. */
static int open_relay(struct process *p, struct problem *problem) WAITS {
    struct relaying *state = NEW(struct relaying);
    state->settings = process_settings_hold(p);
    state->users = 1;
    int r = start_relaying(p, state, problem);
    if (r < 0)
        relaying_leave(state);
    else
        p->state = state;
    return r;
}

static int reload(struct process *p, const struct conf *before, struct problem *problem) WAITS {
    struct relaying *old = p->state;
    (void)before;
    int r = open_relay(p, problem);
    if (r < 0)
        return r;
    old->retired = true;
    if (old->keeper)
        fiber_cancel(old->keeper);
    return 0;
}

/* ------------------------------------------------------------------ one call */

struct call {
    struct process *process;
    uint64_t message;
};

static void log_step(void *arg, enum relay_step step, struct slice sentence) {
    static const char *const kinds[] = {
        [RELAY_STEP_LOOKUP] = KIND_LOOKUP,
        [RELAY_STEP_CONNECTED] = KIND_CONNECTED,
        [RELAY_STEP_UNREACHABLE] = KIND_UNREACHABLE,
        [RELAY_STEP_PUT_OFF] = KIND_PUT_OFF,
        [RELAY_STEP_TLS] = KIND_TLS,
        [RELAY_STEP_LOGIN_FAILED] = KIND_WARNING,
    };
    struct call *call = arg;
    process_event(call->process, call->message, kinds[step], NULL, 0, "%.*s", SLICE_ARG(sentence));
}

static struct slice domain_of(const struct recipient *recipient) {
    struct slice address = recipient->address;
    return slice_from(address, (size_t)(slice_rfind_byte(address, '@') + 1));
}

/*
 * The queue has put recipients together that go the same way. Its settings may be older or newer
 * than ours for a moment, or while a long job is under way: then it has to think again, or a host
 * would get what is for others.
 */
static bool go_the_same_way(const struct relaying *state, const struct rpc_relay_transmit_in *in) {
    struct slice before = {0};
    for (size_t i = 0; i < in->envelope.count; i++) {
        struct slice domain = domain_of(&in->envelope.recipients[i]);
        if ((i == 0 || !slice_eq_nocase(domain, before)) &&
            !relay_via_leads_to(state->settings->conf, domain, in->domain))
            return false;
        before = domain;
    }
    return true;
}

static void find_way(struct process *p, const struct rpc_relay_transmit_in *in, struct arena *a,
                     struct relay_job *job) {
    const struct relaying *state = p->state;
    struct relay_via via;
    relay_via_find(state->settings->conf, domain_of(&in->envelope.recipients[0]), a, &via);
    job->to = via.to;
    job->smart_host = via.fixed;
    job->tls = via.tls;
    job->policies = via.policies;
    job->tls_first = via.tls_first;
    struct sts_policy *sts = ARENA_NEW(a, struct sts_policy);
    if (via.policies && !via.fixed && in->sts.len > 0 &&
        sts_policy_read(in->sts, a, sts, NULL) == 0) {
        job->sts = sts;
        job->sts_text = in->sts;
    }
    if (via.user.len == 0)
        return;
    struct relay_login *login = ARENA_NEW(a, struct relay_login);
    login->user = via.user;
    login->password = relay_password_find(state->passwords, via.host, via.user);
    login->without_tls = state->settings->conf->relay.login_without_tls;
    job->login = login;
}

static void give_results(const struct relay_outcome *outcome, struct arena *a,
                         struct rpc_relay_transmit_out *out) {
    out->results_count = outcome->count;
    out->results = arena_array(a, outcome->count, sizeof *out->results);
    for (size_t i = 0; i < outcome->count; i++) {
        const struct relay_result *r = &outcome->results[i];
        out->results[i] = (struct rpc_result){
            .disposition = (uint8_t)r->disposition,
            .code = (uint16_t)r->reply.code,
            .status = smtp_status_text(a, r->reply.status),
            .text = slice_first(r->reply.text, 2048),
            .peer = slice_first(r->peer, 512),
            .from_peer = r->from_peer,
            .dsn_passed = r->dsn_passed,
            .unsure = r->unsure,
        };
    }
    out->dialogue = slice_first(outcome->dialogue, 65536);
    out->tls = outcome->tls;
    out->sts_failed = outcome->sts_failed;
    out->sessions_count = outcome->session_count;
    out->sessions = arena_array(a, outcome->session_count, sizeof *out->sessions);
    for (size_t i = 0; i < outcome->session_count; i++) {
        const struct relay_session *s = &outcome->sessions[i];
        out->sessions[i] = (struct rpc_session){.policy = slice_of_str(s->policy),
                                                .result = slice_of_str(s->result),
                                                .host = slice_first(s->host, 256),
                                                .address = s->address,
                                                .reason = slice_first(s->reason, 512)};
    }
    out->rest = outcome->rest;
    out->rest_why = outcome->rest_why;
}

static int on_transmit(void *arg, const struct rpc_caller *caller,
                       const struct rpc_relay_transmit_in *in, struct arena *a,
                       struct rpc_relay_transmit_out *out, struct problem *problem) WAITS {
    struct process *p = arg;
    struct relaying *state = p->state;
    struct call call = {p, in->id};
    struct relay_outcome outcome;
    struct relay_job job = {
        .ignore_rest = in->now,
        .voice = {log_step, &call},
        /* bytes first, then the file, as the spool has it */
        .message = {.envelope = in->envelope,
                    .bytes = in->bytes,
                    .file = in->file,
                    .size = in->bytes.len + (in->file >= 0 ? in->file_len : 0)},
    };
    (void)caller;
    _cleanup_(close_p) UNUSED int file = in->file;
    if (in->domain.len == 0 || in->envelope.count == 0)
        return problem_set(problem, -EINVAL, "a transmission needs a domain and recipients");
    if (!go_the_same_way(state, in))
        return problem_set(problem, -E_BUSY, "the settings have changed meanwhile");
    find_way(p, in, a, &job);
    state->users++;
    int r = relay_transmit(state->relay, &job, a, &outcome);
    if (r == 0)
        give_results(&outcome, a, out);
    relaying_leave(state);
    return r;
}

static uint64_t sessions(struct process *p) {
    struct relay_stats stats;
    relay_stats(((struct relaying *)p->state)->relay, &stats);
    return stats.connections;
}

static struct slice login_error(struct process *p, struct arena *a) {
    return arena_copy(a, relay_error(((struct relaying *)p->state)->relay));
}

static const struct rpc_relay_handlers handlers = {.transmit = on_transmit};

const struct process_work role_relay = {
    .handlers = &handlers,
    .open = open_relay,
    .reload = reload,
    .sessions = sessions,
    .error = login_error,
};
