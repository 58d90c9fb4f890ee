/* SPDX-License-Identifier: ISC */
#include "role/edge_pop3.h"

#include "base/alloc.h"
#include "pop3/login.h"
#include "role/edge_login.h"

struct edge_pop3 {
    struct edge_connection *connection;
    struct edge_login login;
};

static int login(void *host, const struct pop3_attempt *attempt) WAITS {
    struct edge_pop3 *m = host;
    struct login_request request = {
        .name = slice_first(attempt->name, 512),
        .act_as = attempt->act_as,
        .password = attempt->password,
        .stamp = attempt->stamp,
        .digest = attempt->digest,
    };
    return edge_log_in(m->connection, &request, &m->login);
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

static const struct pop3_login_host login_host = {
    .login = login, .bare_login = bare_login, .starttls = start_tls};

/* Up to the login. What it needs is gone when the conversation goes on, perhaps for hours. */
static struct stream *begin(struct edge_connection *c) WAITS {
    const struct conf *conf = c->settings->conf;
    const bool tls_first = c->port->tls_first;
    struct pop3_login_config config = pop3_login_defaults;
    struct pop3_login_counts counts = {0};
    struct stream *mail = NULL;
    struct edge_pop3 *m = NEW(struct edge_pop3);
    m->connection = c;
    config.hostname = conf->hostname;
    config.apop = c->edge->apop;
    config.timeout = conf->pop3.login_timeout;
    config.errors_max = conf->pop3.hard_errors;
    config.refused_max = conf->pop3.login_failures;
    config.commands_max = conf->pop3.login_commands;
    config.offer = (struct pop3_offer){.tls_active = tls_first,
                                       .tls_available = edge_has_tls(c->edge) && !tls_first,
                                       .plaintext = conf->login.allow_plaintext};
    int r = tls_first ? start_tls(m, c->stream) : 0;
    enum pop3_end end =
        r == 0 ? pop3_login(c->stream, &config, &login_host, m, &counts) : POP3_END_LOST;
    if (end == POP3_END_LOGIN)
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
