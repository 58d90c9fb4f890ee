/* SPDX-License-Identifier: ISC */
/*
 * The edge role: all conversations with the outside begin here. It has no files and can make no
 * connections; what it may do is to ask the other roles.
 */
#include "role/edge.h"

#include <errno.h>

#include "base/alloc.h"
#include "events/kinds.h"

#define FRESH_INTERVAL (10 * USEC_SEC)
#define PEER_RETRY     (500 * USEC_MS)
#define ACCEPT_AT_ONCE 32U

#define CONNECTION_NEEDS ((size_t)32 * 1024) /* bytes: a command, and its reply */

static const struct edge_service services[] = {
    {{"smtp", 4}, CROWD_STRANGERS, false, edge_serve_receiving},
    {{"submission", 10}, CROWD_SENDERS, false, edge_serve_submission},
    {{"submissions", 11}, CROWD_SENDERS, true, edge_serve_submissions},
    {{"pop3", 4}, CROWD_READERS, false, edge_serve_pop3},
    {{"pop3s", 5}, CROWD_READERS, true, edge_serve_pop3s},
};

/* ------------------------------------------------------------------ TLS */

/* What a new TLS session shows. Stays in memory when a newer one has come: sessions may sign. */
struct edge_certificate {
    struct edge *edge;
    uint64_t number;
    struct tls_context *tls;
    bool only_1_3;
};

/* Signs with the key that only the keys role has. */
static int sign(void *arg, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                struct slice *ret_signature) WAITS {
    struct edge_certificate *c = arg;
    struct rpc_keys_sign_in in = {
        .name = S("default"), .number = c->number, .scheme = (uint8_t)scheme, .input = input};
    struct rpc_keys_sign_out out;
    int r = call_keys_sign(process_link(c->edge->process, ROLE_KEYS, 0), &in, a, &out, NULL);
    if (r == 0)
        *ret_signature = out.signature;
    return r;
}

static int use_certificate(struct edge *e, uint64_t number, struct slice chain,
                           struct problem *problem) {
    struct edge_certificate *c = NEW(struct edge_certificate);
    struct tls_signer signer = {sign, c};
    c->edge = e;
    c->number = number;
    c->only_1_3 = e->process->conf->tls.min_version == CONF_TLS_1_3;
    int r = tls_server_new(chain, &signer, &c->tls, problem);
    if (r < 0) {
        free(c);
        return r;
    }
    if (c->only_1_3)
        tls_context_require_1_3(c->tls);
    if (e->certificate)
        tls_context_free(TAKE_PTR(e->certificate->tls));
    e->certificate = c;
    return 0;
}

static bool shows_the_same(const struct edge *e, uint64_t number) {
    const struct edge_certificate *c = e->certificate;
    return c && c->number == number &&
           c->only_1_3 == (e->process->conf->tls.min_version == CONF_TLS_1_3);
}

/*
 * Asks whether there is a newer certificate; also after a setting of TLS has changed. Answers come
 * in the order of what the keys role took, so of several fibers the last one has the newest.
 */
static int renew_certificate(struct edge *e, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    const struct edge_certificate *c = e->certificate;
    unsigned life = e->keys_lives;
    struct rpc_keys_certificate_in in = {.name = S("default"),
                                         .have = c && shows_the_same(e, c->number) ? c->number : 0};
    struct rpc_keys_certificate_out out;
    int r = call_keys_certificate(process_link(e->process, ROLE_KEYS, 0), &in, &a, &out, problem);
    if (r == 0 && out.chain.len > 0 && !shows_the_same(e, out.number))
        r = use_certificate(e, out.number, out.chain, problem);
    if (r == 0)
        e->confirmed = life;
    return r;
}

/* For what should be known before anybody is greeted: the other role may be a little late. */
static int insist(struct edge *e, int (*ask)(struct edge *e, struct problem *problem) WAITS,
                  struct problem *problem) WAITS {
    int r = ask(e, problem);
    for (int again = 0; again < 5 && r == -EPIPE && fiber_sleep(PEER_RETRY) == 0; again++)
        r = ask(e, problem);
    return r;
}

bool edge_has_tls(const struct edge *e) {
    return e->certificate != NULL;
}

/* A keys process that was started again may have the key of a newer certificate alone. */
int edge_start_tls(struct edge_connection *c, struct stream *s, struct problem *problem) {
    if (c->edge->confirmed != c->edge->keys_lives)
        (void)insist(c->edge, renew_certificate, NULL); /* without it, who resumes needs no key */
    int r = edge_has_tls(c->edge)
                ? tls_accept(s, c->edge->certificate->tls, problem)
                : problem_set(problem, -E_TLS, "there is no certificate that could be used");
    if (r == 0 || !edge_may_log(c))
        return r;
    struct event_fact facts[] = {
        {S(FACT_CLIENT), slice_of_str(c->peer_text)},
        {S(FACT_SERVICE), c->service->name},
        {S(FACT_REASON), slice_of_str(problem->text)},
    };
    process_event(c->edge->process, 0, KIND_TLS, facts, ARRAY_SIZE(facts),
                  "There is no TLS with %s for %.*s.", c->peer_text, SLICE_ARG(c->service->name));
    return r;
}

static int renew_facts(struct edge *e, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_facts_in in = {0};
    struct rpc_directory_facts_out out;
    struct rpc_link *directory = process_link(e->process, ROLE_DIRECTORY, 0);
    int r = call_directory_facts(directory, &in, &a, &out, problem);
    if (r == 0)
        e->apop = out.apop;
    return r;
}

/* Keeps what the edge knows of other roles fresh; those say what is wrong with it. Also says what
 * was left unsaid. */
static void keep_fresh(void *arg) WAITS {
    struct edge *e = arg;
    for (usec_t pause = PEER_RETRY; fiber_sleep(pause) == 0;) {
        bool late = renew_certificate(e, NULL) == -EPIPE;
        late |= renew_facts(e, NULL) == -EPIPE;
        pause = late ? PEER_RETRY : FRESH_INTERVAL;
        edge_log_left_out(e);
    }
}

/* ------------------------------------------------------------------ connections */

struct slice edge_peer_bytes(const struct edge_connection *c) {
    return c->peer.any.sa_family == AF_INET6 ? slice_of(&c->peer.in6.sin6_addr, 16)
                                             : slice_of(&c->peer.in.sin_addr, 4);
}

bool edge_under_stress(const struct edge *e) {
    return crowd_is_dense(&e->crowd, e->process->conf) || edge_memory_is_scarce(e);
}

/*
 * What a connection gets that cannot be let in, NULL for one that can; no fiber, no waiting. Before
 * TLS there is nothing to say.
 */
static const char *refusal(const struct edge_connection *c, enum crowd_verdict verdict) {
    bool reader = c->service->kind == CROWD_READERS;
    const char *text = NULL;
    if (verdict != CROWD_WELCOME && reader)
        text = "-ERR [SYS/TEMP] too many connections, try again later\r\n";
    else if (verdict == CROWD_TOO_MANY)
        text = "421 4.7.0 Too many connections from your address, try again later\r\n";
    else if (verdict == CROWD_FULL)
        text = "421 4.3.2 Too many connections, try again later\r\n";
    else if (!edge_has_memory(c, CONNECTION_NEEDS))
        text = reader ? "-ERR [SYS/TEMP] the server is short of memory, try again later\r\n"
                      : "421 4.3.1 The server is short of memory, try again later\r\n";
    return text && c->service->tls_first ? "" : text;
}

static void connection_free(struct edge_connection *c) {
    struct edge *e = c->edge;
    link_remove(&c->link);
    crowd_leave(&e->crowd, c->place, c->service->kind);
    stream_free(c->stream);
    process_settings_release(c->settings);
    free(c);
    fiber_cond_wake_all(&e->session_ended);
}

static void serve(void *arg) WAITS {
    struct edge_connection *c = arg;
    c->fiber = fiber_self();
    c->service->serve(c);
    connection_free(c);
}

static void begin(struct edge *e, const struct edge_service *s, int fd,
                  const struct net_addr *peer) {
    struct edge_connection *c = NEW(struct edge_connection);
    c->edge = e;
    c->service = s;
    c->settings = process_settings_hold(e->process);
    c->peer = *peer;
    enum crowd_verdict verdict =
        crowd_enter(&e->crowd, peer, s->kind, c->settings->conf, &c->place);
    list_append(&e->sessions, &c->link);
    (void)net_format_host(peer, c->peer_text);
    const char *text = refusal(c, verdict);
    if (text) {
        (void)send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)close(fd);
        connection_free(c);
        return;
    }
    if (stream_from_fd(fd, &c->stream) < 0 ||
        fiber_spawn_under(e->process->root, s->name.ptr, serve, c) < 0)
        connection_free(c);
}

struct accepting {
    struct edge *edge;
    const struct edge_service *service;
    struct fiber_fd listener;
};

static void accept_connections(void *arg) WAITS {
    struct accepting *l = arg;
    struct net_addr peer;
    unsigned accepted = 0;
    int fd = -1;
    while (!l->edge->stopping) {
        int r = net_accept(&l->listener, &peer, &fd);
        if (r == 0) {
            begin(l->edge, l->service, fd, &peer);
            if (++accepted % ACCEPT_AT_ONCE == 0)
                (void)fiber_yield(); /* a flood of connections must not keep the others waiting */
        } else if (r == -ECANCELED || fiber_sleep(100 * USEC_MS) < 0) {
            break; /* other errors: no descriptors left, for a while */
        }
    }
    fd = l->listener.fd;
    fiber_fd_done(&l->listener);
    (void)close(fd);
    free(l);
}

static int listen_on(struct process *p, struct slice name, int socket, struct problem *problem) {
    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        if (!slice_eq(services[i].name, name))
            continue;
        struct accepting *l = NEW(struct accepting);
        l->edge = p->state;
        l->service = &services[i];
        int r = fiber_fd_init(&l->listener, socket);
        if (r == 0)
            r = fiber_spawn_under(p->root, "accept", accept_connections, l);
        if (r < 0)
            free(l);
        return r;
    }
    return problem_set(problem, -EINVAL, "no such service: %.*s", SLICE_ARG(name));
}

/* ------------------------------------------------------------------ life */

static int open_edge(struct process *p, struct problem *problem) {
    struct edge *e = NEW(struct edge);
    (void)problem;
    e->process = p;
    p->state = e;
    e->quiet = edge_quiet_new();
    queue_ids_init(&e->ids, (uint8_t)p->worker);
    list_init(&e->sessions);
    fiber_cond_init(&e->session_ended);
    return 0;
}

static void go(struct process *p) WAITS {
    struct edge *e = p->state;
    struct problem problem = {0};
    if (insist(e, renew_certificate, &problem) < 0)
        process_event(p, 0, KIND_ERROR, NULL, 0,
                      "There is no TLS, since the certificate cannot be used: %s", problem.text);
    if (insist(e, renew_facts, &problem) < 0)
        process_event(p, 0, KIND_ERROR, NULL, 0,
                      "APOP is not offered for now, since the directory did not answer: %s",
                      problem.text);
    if (fiber_spawn_under(p->root, "facts", keep_fresh, e) < 0)
        process_fail(p, "no memory for the first fibers");
}

/* A new certificate is shown at once. The role that has it says what is wrong with it. */
static int reload_edge(struct process *p, const struct conf *before,
                       struct problem *problem) WAITS {
    (void)before;
    (void)problem;
    (void)renew_certificate(p->state, NULL);
    return 0;
}

static void stop(struct process *p) WAITS {
    struct edge *e = p->state;
    e->stopping = true;
    LIST_EACH (c, &e->sessions, struct edge_connection, link)
        if (c->fiber)
            fiber_cancel(c->fiber);
    while (e->crowd.count > 0 &&
           fiber_cond_wait_until(&e->session_ended, fiber_now() + USEC_SEC) == 0)
        ;
}

static void peer_gone(struct process *p, enum role role, unsigned worker) {
    (void)worker;
    ((struct edge *)p->state)->keys_lives += role == ROLE_KEYS;
}

static uint64_t sessions(struct process *p) {
    return ((struct edge *)p->state)->crowd.count;
}

struct ending {
    struct edge *edge;
    uint64_t account;
};

static void end_sessions(void *arg) {
    _cleanup_(free_p) struct ending *ending = arg;
    struct edge *e = ending->edge;
    LIST_EACH (c, &e->sessions, struct edge_connection, link) {
        if (c->account != ending->account || c->login_ended)
            continue;
        c->login_ended = true;
        fiber_cancel(c->fiber);
        process_event(e->process, 0, KIND_SESSION, NULL, 0,
                      "A session from %s for %.*s was ended, since its login counts no more.",
                      c->peer_text, SLICE_ARG(c->service->name));
    }
}

/*
 * In a fiber of its own: a login whose answer came before this has woken the session that waited
 * for it, and what was woken earlier runs earlier. So each such session has its account by then.
 */
static int on_end_sessions(void *arg, const struct rpc_caller *caller,
                           const struct rpc_edge_end_sessions_in *in) {
    struct process *p = arg;
    struct ending *ending = NEW(struct ending);
    (void)caller;
    *ending = (struct ending){p->state, in->account};
    if (fiber_spawn_under(p->root, "end sessions", end_sessions, ending) < 0)
        end_sessions(ending);
    return 0;
}

static const struct rpc_edge_handlers handlers = {.end_sessions = on_end_sessions};

const struct process_role role_edge = {
    .role = ROLE_EDGE,
    .handlers = &handlers,
    .open = open_edge,
    .go = go,
    .listen = listen_on,
    .reload = reload_edge,
    .stop = stop,
    .sessions = sessions,
    .peer_gone = peer_gone,
};
