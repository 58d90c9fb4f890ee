/* SPDX-License-Identifier: ISC */
#include "role/edge/edge_imap.h"

#include "imap/login.h"
#include "role/edge/edge_login.h"

static struct stream *log_in(struct edge_connection *c) WAITS {
    const struct conf *conf = c->settings->conf;
    struct edge_door *d = edge_door_new(c, conf->imap.login_timeout);
    struct door_counts counts = {0};
    enum door_end end = DOOR_END_LOST;
    _cleanup_(buf_done) struct buf tag = {0};
    d->config.errors_max = conf->imap.hard_errors;
    d->config.refused_max = conf->imap.login_failures;
    d->config.commands_max = conf->imap.login_commands;
    if (edge_door_open(d) == 0)
        end = imap_login(c->stream, &d->config, c->taken_back, &edge_door_host, d, &tag, &counts);
    d->login.passed_on = buf_slice(&tag);
    return edge_door_close(d, end, counts.tls_active);
}

/* It counts for its address again until somebody logs in. */
static bool may_come_back(struct edge_connection *c) WAITS {
    struct edge *e = c->edge;
    c->carried = false;
    crowd_leave(&e->crowd, c->place, c->door->kind);
    if (crowd_enter(&e->crowd, &c->peer, c->door->kind, c->settings->conf, &c->place) ==
        CROWD_WELCOME)
        return true;
    stream_str(c->stream, c->door->crowded);
    (void)stream_shutdown(c->stream);
    return false;
}

/* Until the conversation ends: who leaves his account (RFC 8437) may log in to another one. */
void edge_serve_imap(struct edge_connection *c) {
    do {
        struct stream_room room;
        _cleanup_(stream_free_p) struct stream *mail = log_in(c);
        if (!mail)
            return;
        mail = stream_settle(mail, &room);
        c->taken_back = false;
        stream_set_timeout(c->stream, c->settings->conf->imap.timeout);
        (void)stream_carry(c->stream, mail, &c->taken_back);
    } while (c->taken_back && stream_error(c->stream) == 0 && may_come_back(c));
}
