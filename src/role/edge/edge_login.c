/* SPDX-License-Identifier: ISC */
#include "role/edge/edge_login.h"

#include <errno.h>
#include <sys/socket.h>

#include "auth/password.h"
#include "base/alloc.h"
#include "directory/directory.h"
#include "events/kinds.h"

#define LOGIN_LIMIT (LOGIN_WAIT_MAX + 10 * USEC_SEC)
/* As the schema has it: what is longer is cut, and wrong still, since no account has so long a name
 * or password. */
#define LOGIN_NAME_MAX     512U
#define LOGIN_PASSWORD_MAX 1024U
_Static_assert(LOGIN_NAME_MAX > SASL_NAME_MAX && LOGIN_PASSWORD_MAX > PASSWORD_MAX,
               "what was cut may be right");
#define AWAY_RETRY (250 * USEC_MS)
#define AWAY_TRIES 12 /* a process that died is back by then */

int edge_log_in(struct edge_connection *c, const struct login_request *request,
                struct edge_login *ret) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + LOGIN_LIMIT);
    struct rpc_directory_login_in in = {.service = c->door->service, .request = *request};
    struct rpc_directory_login_out out;
    in.request.peer = edge_peer_bytes(c);
    in.request.name = slice_first(request->name, LOGIN_NAME_MAX);
    if (request->password.ptr) /* APOP has none */
        in.request.password = slice_first(request->password, LOGIN_PASSWORD_MAX);
    int r = call_directory_login(edge_link(c, ROLE_DIRECTORY), &in, &a, &out, NULL);
    if (r < 0)
        return r;
    const struct login *login = &out.login;
    if (login->outcome != LOGIN_WELCOME) /* a session that begins tells of itself at its end */
        edge_log_login(c, login, request->name);
    if (login->hold > 0 && fiber_sleep(login->hold) < 0)
        return -ECANCELED;
    switch (login->outcome) {
    case LOGIN_WELCOME:
        *ret = (struct edge_login){
            .account = login->account_id, .shard = login->shard, .quota = login->quota};
        memcpy(ret->ticket, out.ticket.ptr, MIN(out.ticket.len, sizeof ret->ticket));
        (void)slice_to_str(login->address, ret->address, sizeof ret->address);
        return 0;
    case LOGIN_WRONG:
        return -E_REFUSED;
    case LOGIN_THROTTLED:
        return -E_BUSY;
    case LOGIN_TEMPORARY:
    case LOGIN_CHALLENGE: /* these doors have no way to ask on */
        break;
    }
    return -E_TEMPORARY;
}

/* ------------------------------------------------------------------ handing over */

static int renew_ticket(struct edge_connection *c, struct edge_login *login,
                        struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_renew_ticket_in in = {.service = c->door->service,
                                               .account = login->account,
                                               .address = slice_of_str(login->address),
                                               .ticket = slice_of(login->ticket, TICKET_SIZE)};
    struct rpc_directory_renew_ticket_out out;
    int r = call_directory_renew_ticket(edge_link(c, ROLE_DIRECTORY), &in, &a, &out, problem);
    if (r == 0)
        memcpy(login->ticket, out.ticket.ptr, MIN(out.ticket.len, sizeof login->ticket));
    return r;
}

static int call_session(struct edge_connection *c, const struct edge_login *login, int fd,
                        struct slice unread, bool tls, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_session_in in = {
        .service = c->door->service,
        .account = login->account,
        .ticket = slice_of(login->ticket, sizeof login->ticket),
        .address = slice_of_str(login->address),
        .quota = login->quota,
        .peer = slice_of_str(c->peer_text),
        .tls = tls,
        .connection = fd,
        .unread = unread,
        .passed_on = login->passed_on,
        .carried = tls ? c->number : 0,
    };
    struct rpc_mail_session_out out;
    return call_mail_session(process_link(c->edge->process, ROLE_MAIL, login->shard), &in, &a, &out,
                             problem);
}

/*
 * A mail process that died is back in a moment. It takes no ticket from before its beginning, so it
 * is shown a newer one then.
 */
static void give_to_mail(struct edge_connection *c, struct edge_login *login, int fd,
                         struct slice unread, bool tls) WAITS {
    struct problem problem = {0};
    int r = call_session(c, login, fd, unread, tls, &problem);
    for (int i = 0; r == -EPIPE && i < AWAY_TRIES && fiber_sleep(AWAY_RETRY) == 0; i++)
        r = call_session(c, login, fd, unread, tls, &problem);
    if (r == -E_REFUSED && (r = renew_ticket(c, login, &problem)) == 0)
        r = call_session(c, login, fd, unread, tls, &problem);
    if (r == 0)
        return;
    process_event(c->edge->process, 0, KIND_WARNING, NULL, 0,
                  "A session of %s for %.*s could not begin: %s", login->address,
                  SLICE_ARG(c->door->service), problem.text[0] ? problem.text : error_text(r));
    const char *reply = r == -E_BUSY ? c->door->crowded : c->door->away;
    (void)send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct stream *edge_hand_over(struct edge_connection *c, struct edge_login *login,
                              bool tls_active) {
    struct stream *mail = NULL;
    int ends[2];
    if (!tls_active) { /* the connection itself goes, with what was read ahead */
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(close_p) int fd = -1;
        struct slice unread;
        if (stream_detach(c->stream, &a, &fd, &unread) < 0)
            return NULL;
        c->stream = NULL;
        give_to_mail(c, login, fd, unread, false);
        return NULL;
    }
    crowd_log_in(&c->edge->crowd, &c->place, c->door->kind);
    c->carried = true;
    c->number = ++c->edge->numbers;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return NULL;
    give_to_mail(c, login, ends[1], S(""), true);
    (void)close(ends[1]);
    return stream_from_fd(ends[0], &mail) < 0 ? NULL : mail;
}

/* ------------------------------------------------------------------ a door, up to the login */

static int door_login(void *door, const char *mechanism,
                      const struct login_request *attempt) WAITS {
    struct edge_door *d = door;
    return edge_log_in(d->connection, attempt, &d->login);
}

static void door_bare_login(void *door, struct slice name) {
    edge_log_bare_login(((struct edge_door *)door)->connection, name);
}

static int door_start_tls_here(void *door, struct stream *s) WAITS {
    struct edge_door *d = door;
    struct problem problem = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline deadline =
        fiber_deadline_begin(fiber_now() + d->config.timeout);
    return edge_start_tls(d->connection, s, &problem);
}

const struct door_host edge_door_host = {
    .login = door_login, .bare_login = door_bare_login, .starttls = door_start_tls_here};

struct edge_door *edge_door_new(struct edge_connection *c, usec_t timeout) {
    struct edge_door *d = NEW(struct edge_door);
    const struct conf *conf = c->settings->conf;
    const bool tls_first = c->port->tls_first || c->taken_back;
    d->connection = c;
    d->config = door_config_default;
    d->config.hostname = conf->hostname;
    d->config.timeout = timeout;
    d->config.offer = (struct door_offer){.tls_active = tls_first,
                                          .tls_available = edge_has_tls(c->edge) && !tls_first,
                                          .plaintext = conf->login.allow_plaintext};
    return d;
}

int edge_door_open(struct edge_door *d) {
    struct edge_connection *c = d->connection;
    return c->port->tls_first && !c->taken_back ? door_start_tls_here(d, c->stream) : 0;
}

struct stream *edge_door_close(struct edge_door *d, enum door_end end, bool tls_active) {
    struct stream *mail = NULL;
    if (end == DOOR_END_LOGIN)
        mail = edge_hand_over(d->connection, &d->login, tls_active);
    else
        (void)stream_shutdown(d->connection->stream);
    free(d);
    return mail;
}
