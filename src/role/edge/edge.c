/* SPDX-License-Identifier: ISC */
/*
 * The edge role: all conversations with the outside begin here. It has no files and can make no
 * connections; what it may do is to ask the other roles.
 */
#include "role/edge/edge.h"

#include <errno.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "role/roles.h"

#define FRESH_INTERVAL (10 * USEC_SEC)
#define PEER_RETRY     (500 * USEC_MS)
#define ACCEPT_AT_ONCE 32U
#define FAREWELL_LIMIT (300 * USEC_MS)

#define CONNECTION_NEEDS ((size_t)32 * 1024) /* bytes: a command, and its reply */

/* ------------------------------------------------------------------ what others know */

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
        bool late = edge_renew_certificate(e, NULL) == -EPIPE;
        late |= renew_facts(e, NULL) == -EPIPE;
        pause = late ? PEER_RETRY : FRESH_INTERVAL;
        edge_log_left_out(e);
    }
}

/* ------------------------------------------------------------------ connections */

/*
 * What a connection gets that cannot be let in, NULL for one that can; no fiber, no waiting. Before
 * TLS there is nothing to say.
 */
static const char *refusal(const struct edge_connection *c, enum crowd_verdict verdict) {
    const char *text = verdict == CROWD_TOO_MANY               ? c->door->too_many
                       : verdict == CROWD_FULL                 ? c->door->full
                       : !edge_has_memory(c, CONNECTION_NEEDS) ? c->door->no_memory
                                                               : NULL;
    return text && c->port->tls_first ? "" : text;
}

static void connection_done(struct edge_connection *c) {
    struct edge *e = c->edge;
    link_remove(&c->link);
    crowd_leave(&e->crowd, c->place, c->door->kind);
    stream_free(c->stream);
    process_settings_release(c->settings);
    fiber_cond_wake_all(&e->session_ended);
}

static void connection_free(struct edge_connection *c) {
    connection_done(c);
    free(c);
}

/* It moves to the stack of its fiber, and its stream, too: a silent connection keeps one page of
 * that, where there is room. */
static void serve(void *arg) WAITS {
    struct edge_connection *begun = arg, c = *begun;
    struct stream_room room;
    link_insert_before(&begun->link, &c.link);
    link_remove(&begun->link);
    free(begun);
    c.stream = stream_settle(c.stream, &room);
    c.fiber = fiber_self();
    c.door->serve(&c);
    connection_done(&c);
}

struct accepting {
    struct edge *edge;
    const struct door *door;
    const struct door_port *port;
    struct fiber_fd listener;
};

static void begin(const struct accepting *at, int fd, const struct net_addr *peer) {
    struct edge *e = at->edge;
    struct edge_connection *c = NEW(struct edge_connection);
    c->edge = e;
    c->door = at->door;
    c->port = at->port;
    c->settings = process_settings_hold(e->process);
    c->peer = *peer;
    enum crowd_verdict verdict =
        crowd_enter(&e->crowd, peer, c->door->kind, c->settings->conf, &c->place);
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
        fiber_spawn_under(e->process->root, c->port->name.ptr, serve, c) < 0)
        connection_free(c);
}

static void accept_connections(void *arg) WAITS {
    struct accepting *l = arg;
    struct net_addr peer;
    unsigned accepted = 0;
    int fd = -1;
    while (!l->edge->stopping) {
        int r = net_accept(&l->listener, &peer, &fd);
        if (r == 0) {
            begin(l, fd, &peer);
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
    struct edge *e = p->state;
    const struct door_port *port = NULL;
    const struct door *door = doors_find_port(e->doors, name, &port);
    if (!door)
        return problem_set(problem, -EINVAL, "no such service: %.*s", SLICE_ARG(name));
    struct accepting *l = NEW(struct accepting);
    l->edge = e;
    l->door = door;
    l->port = port;
    int r = fiber_fd_init(&l->listener, socket);
    if (r == 0)
        r = fiber_spawn_under(p->root, "accept", accept_connections, l);
    if (r < 0)
        free(l);
    return r;
}

/* ------------------------------------------------------------------ life */

static int open_edge(struct process *p, struct problem *problem) {
    struct edge *e = NEW(struct edge);
    (void)problem;
    e->process = p;
    e->doors = &all_doors;
    p->state = e;
    e->quiet = edge_quiet_new();
    e->routes = routes_new(p);
    queue_ids_init(&e->ids, (uint8_t)p->worker);
    list_init(&e->sessions);
    fiber_cond_init(&e->session_ended);
    return 0;
}

static void go(struct process *p) WAITS {
    struct edge *e = p->state;
    struct problem problem = {0};
    if (edge_insist(e, edge_renew_certificate, &problem) < 0)
        process_event(p, 0, KIND_ERROR, NULL, 0,
                      "There is no TLS, since the certificate cannot be used: %s", problem.text);
    if (edge_insist(e, renew_facts, &problem) < 0)
        process_event(p, 0, KIND_ERROR, NULL, 0,
                      "APOP is not offered for now, since the directory did not answer: %s",
                      problem.text);
    if (fiber_spawn_under(p->root, "facts", keep_fresh, e) < 0)
        process_fail(p, "no memory for the first fibers");
}

static void tell_of_end(struct edge_connection *c, const char *what, const char *why) {
    struct event_fact facts[] = {
        {S(FACT_CLIENT), slice_of_str(c->peer_text)},
        {S(FACT_SERVICE), c->port->name},
        {S(FACT_REASON), slice_of_str(why)},
    };
    process_event(c->edge->process, 0, KIND_SESSION, facts, ARRAY_SIZE(facts),
                  "A %s from %s for %.*s was ended, since %s.", what, c->peer_text,
                  SLICE_ARG(c->port->name), why);
}

/*
 * A conversation goes on with the settings that it began with; but nobody goes on with a right that
 * these have taken from him.
 */
static void end_lost_trust(struct process *p) {
    struct edge *e = p->state;
    LIST_EACH (c, &e->sessions, struct edge_connection, link) {
        if (!c->fiber || c->account != 0 || c->door->session ||
            !conf_networks_have(&c->settings->conf->smtp.trusted_networks, &c->peer) ||
            conf_networks_have(&p->conf->smtp.trusted_networks, &c->peer))
            continue;
        fiber_cancel(c->fiber);
        tell_of_end(c, "connection", SESSION_TRUST_ENDED);
    }
}

/* A new certificate is shown at once. The role that has it says what is wrong with it. */
static int reload_edge(struct process *p, const struct conf *before,
                       struct problem *problem) WAITS {
    (void)before;
    (void)problem;
    end_lost_trust(p);
    (void)edge_renew_certificate(p->state, NULL);
    return 0;
}

static void wait_for_ends(struct edge *e, usec_t until) WAITS {
    while (e->crowd.count > 0 && fiber_cond_wait_until(&e->session_ended, until) == 0)
        ;
}

/* Sessions beside mailboxes know what is to be said at their end, and say it through this edge. */
static void stop(struct process *p) WAITS {
    struct edge *e = p->state;
    const struct rpc_mail_farewell_in farewell = {0};
    e->stopping = true;
    for (unsigned w = 0; w < process_workers(p, ROLE_MAIL); w++)
        (void)send_mail_farewell(process_link(p, ROLE_MAIL, w), &farewell);
    LIST_EACH (c, &e->sessions, struct edge_connection, link)
        if (c->fiber && !c->carried)
            fiber_cancel(c->fiber);
    wait_for_ends(e, fiber_now() + FAREWELL_LIMIT);
    LIST_EACH (c, &e->sessions, struct edge_connection, link)
        if (c->fiber)
            fiber_cancel(c->fiber);
    wait_for_ends(e, fiber_now() + USEC_SEC);
}

static void peer_gone(struct process *p, enum role role, unsigned worker) {
    struct edge *e = p->state;
    (void)worker;
    e->keys_lives += role == ROLE_KEYS;
    if (role == ROLE_DIRECTORY)
        routes_forget(e->routes);
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
        tell_of_end(c, "session", SESSION_LOGIN_ENDED);
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

static int on_take_back(void *arg, const struct rpc_caller *caller,
                        const struct rpc_edge_take_back_in *in, struct arena *a,
                        struct rpc_edge_take_back_out *out, struct problem *problem) {
    const struct edge *e = ((struct process *)arg)->state;
    (void)caller;
    (void)a;
    (void)out;
    LIST_EACH (c, &e->sessions, struct edge_connection, link) {
        if (c->carried && c->number == in->carried) {
            c->taken_back = true;
            return 0;
        }
    }
    return problem_set(problem, -E_UNKNOWN, "no such connection is carried");
}

static const struct rpc_edge_handlers handlers = {.end_sessions = on_end_sessions,
                                                  .take_back = on_take_back};

const struct process_work role_edge = {
    .handlers = &handlers,
    .open = open_edge,
    .go = go,
    .listen = listen_on,
    .reload = reload_edge,
    .stop = stop,
    .sessions = sessions,
    .peer_gone = peer_gone,
};
