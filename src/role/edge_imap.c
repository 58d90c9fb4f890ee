/* SPDX-License-Identifier: ISC */
#include "role/edge_imap.h"

#include "imap/login.h"
#include "role/edge_login.h"

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
        end = imap_login(c->stream, &d->config, &edge_door_host, d, &tag, &counts);
    d->login.passed_on = buf_slice(&tag);
    return edge_door_close(d, end, counts.tls_active);
}

void edge_serve_imap(struct edge_connection *c) {
    _cleanup_(stream_free_p) struct stream *mail = log_in(c);
    if (!mail)
        return;
    stream_set_timeout(c->stream, c->settings->conf->imap.timeout);
    (void)stream_carry(c->stream, mail);
}
