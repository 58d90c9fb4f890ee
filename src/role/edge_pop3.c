/* SPDX-License-Identifier: ISC */
#include "role/edge_pop3.h"

#include "base/alloc.h"
#include "pop3/login.h"
#include "role/edge_login.h"

struct edge_pop3 {
    struct edge_connection *connection;
    struct edge_login login;
};

static int login(void *host, const char *mechanism, const struct login_request *attempt) WAITS {
    struct edge_pop3 *m = host;
    return edge_log_in(m->connection, attempt, &m->login);
}

/* The handshake has the time of one command, as a whole. */
static int start_tls(void *host, struct stream *s) WAITS {
    struct edge_connection *c = ((struct edge_pop3 *)host)->connection;
    struct problem problem = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + c->settings->conf->pop3.login_timeout);
    return edge_start_tls(c, s, &problem);
}

static void bare_login(void *host, struct slice name) {
    edge_log_bare_login(((struct edge_pop3 *)host)->connection, name);
}

static const struct door_host login_host = {
    .login = login, .bare_login = bare_login, .starttls = start_tls};

/* Up to the login. What it needs is gone when the conversation goes on, perhaps for hours. */
static struct stream *begin(struct edge_connection *c) WAITS {
    const struct conf *conf = c->settings->conf;
    const bool tls_first = c->port->tls_first;
    struct pop3_login_config config = {.door = door_config_default, .apop = c->edge->apop};
    struct door_counts counts = {0};
    struct stream *mail = NULL;
    struct edge_pop3 *m = NEW(struct edge_pop3);
    m->connection = c;
    config.door.hostname = conf->hostname;
    config.door.timeout = conf->pop3.login_timeout;
    config.door.errors_max = conf->pop3.hard_errors;
    config.door.refused_max = conf->pop3.login_failures;
    config.door.commands_max = conf->pop3.login_commands;
    config.door.offer = (struct door_offer){.tls_active = tls_first,
                                            .tls_available = edge_has_tls(c->edge) && !tls_first,
                                            .plaintext = conf->login.allow_plaintext};
    int r = tls_first ? start_tls(m, c->stream) : 0;
    enum door_end end =
        r == 0 ? pop3_login(c->stream, &config, &login_host, m, &counts) : DOOR_END_LOST;
    if (end == DOOR_END_LOGIN)
        mail = edge_hand_over(c, &m->login, counts.tls_active);
    else
        (void)stream_shutdown(c->stream);
    free(m);
    return mail;
}

void edge_serve_pop3(struct edge_connection *c) {
    _cleanup_(stream_free_p) struct stream *mail = begin(c);
    if (!mail)
        return;
    stream_set_timeout(c->stream, c->settings->conf->pop3.timeout);
    (void)stream_carry(c->stream, mail);
}
