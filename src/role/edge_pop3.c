/* SPDX-License-Identifier: ISC */
/*
 * POP3 at the edge: greeting, TLS and login. Then the conversation moves to the mail role that owns
 * the mailbox: a plain connection is passed as a descriptor and is no more the edge's business; of
 * a TLS connection the edge goes on carrying the bytes, both ways, between the TLS stream and a
 * socket whose other end the mail role has.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "directory/directory.h"
#include "events/kinds.h"
#include "pop3/login.h"
#include "role/edge.h"
#include "role/ticket.h"

#define LOGIN_LIMIT (LOGIN_WAIT_MAX + 10 * USEC_SEC)

struct edge_pop3 {
    struct edge_connection *connection;
    uint64_t account;
    uint32_t shard;
    char address[320];
    char ticket[TICKET_SIZE];
};

/* ------------------------------------------------------------------ login */

static int login(void *host, const struct pop3_attempt *attempt) WAITS {
    struct edge_pop3 *m = host;
    struct edge_connection *c = m->connection;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + LOGIN_LIMIT);
    struct rpc_directory_login_in in = {
        .service = S("pop3"),
        .name = slice_first(attempt->name, 512),
        .act_as = attempt->act_as,
        .password = attempt->password,
        .stamp = attempt->stamp,
        .digest = attempt->digest,
        .peer = edge_peer_bytes(c),
    };
    struct rpc_directory_login_out out;
    int r = call_directory_login(edge_link(c, ROLE_DIRECTORY), &in, &a, &out, NULL);
    if (r < 0)
        return r;
    if (out.outcome != LOGIN_WELCOME) /* a session that begins tells of itself at its end */
        edge_log_login(c, &out, attempt->name);
    if (out.hold > 0 && fiber_sleep(out.hold) < 0)
        return -ECANCELED;
    switch ((enum login_outcome)out.outcome) {
    case LOGIN_WELCOME:
        m->account = out.account;
        m->shard = out.shard;
        memcpy(m->ticket, out.ticket.ptr, MIN(out.ticket.len, sizeof m->ticket));
        (void)slice_to_str(out.address, m->address, sizeof m->address);
        return 0;
    case LOGIN_WRONG:
        return -E_REFUSED;
    case LOGIN_THROTTLED:
        return -E_BUSY;
    case LOGIN_TEMPORARY:
        break;
    }
    return -E_TEMPORARY;
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

/* ------------------------------------------------------------------ handing over */

static int hand_over(struct edge_pop3 *m, int fd, struct slice unread, bool tls) WAITS {
    struct edge_connection *c = m->connection;
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct rpc_mail_pop3_in in = {
        .account = m->account,
        .ticket = slice_of(m->ticket, sizeof m->ticket),
        .address = slice_of_str(m->address),
        .peer = slice_of_str(c->peer_text),
        .tls = tls,
        .connection = fd,
        .unread = unread,
    };
    struct rpc_mail_pop3_out out;
    int r = call_mail_pop3(process_link(c->edge->process, ROLE_MAIL, m->shard), &in, &a, &out,
                           &problem);
    if (r < 0)
        process_event(c->edge->process, 0, KIND_WARNING, NULL, 0,
                      "A POP3 session of %s could not begin: %s", m->address, problem.text);
    return r;
}

static void refuse_now(int fd) {
    static const char text[] = "-ERR [SYS/TEMP] the mailbox cannot be opened now\r\n";
    (void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hand_over_plain(struct edge_pop3 *m) WAITS {
    struct edge_connection *c = m->connection;
    _cleanup_(arena_done) struct arena a = {0};
    struct slice unread;
    _cleanup_(close_p) int fd = -1;
    if (stream_detach(c->stream, &a, &fd, &unread) < 0)
        return;
    c->stream = NULL;
    if (hand_over(m, fd, unread, false) < 0)
        refuse_now(fd);
}

/* Our end of the conversation with the mail role; NULL: there is none. */
static struct stream *hand_over_tls(struct edge_pop3 *m) WAITS {
    struct stream *mail = NULL;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return NULL;
    if (hand_over(m, ends[1], S(""), true) < 0)
        refuse_now(ends[1]);
    (void)close(ends[1]);
    return stream_from_fd(ends[0], &mail) < 0 ? NULL : mail;
}

/* ------------------------------------------------------------------ sessions */

/* Up to the login. What it needs is gone when the conversation goes on, perhaps for hours. */
static struct stream *begin(struct edge_connection *c, bool tls_first) WAITS {
    const struct conf *conf = c->settings->conf;
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
    if (end == POP3_END_LOGIN && counts.tls_active)
        mail = hand_over_tls(m);
    else if (end == POP3_END_LOGIN)
        hand_over_plain(m);
    else
        (void)stream_shutdown(c->stream);
    free(m);
    return mail;
}

static void serve(struct edge_connection *c, bool tls_first) WAITS {
    _cleanup_(stream_free_p) struct stream *mail = begin(c, tls_first);
    if (!mail)
        return;
    stream_set_timeout(c->stream, c->settings->conf->pop3.timeout);
    (void)stream_carry(c->stream, mail);
}

void edge_serve_pop3(struct edge_connection *c) {
    serve(c, false);
}

void edge_serve_pop3s(struct edge_connection *c) {
    serve(c, true);
}
