/* SPDX-License-Identifier: ISC */
#include "role/edge/edge_pop3.h"

#include "pop3/login.h"
#include "role/edge/edge_login.h"

static struct stream *log_in(struct edge_connection *c) WAITS {
    const struct conf *conf = c->settings->conf;
    struct edge_door *d = edge_door_new(c, conf->pop3.login_timeout);
    struct door_counts counts = {0};
    enum door_end end = DOOR_END_LOST;
    bool japanese;
    d->config.errors_max = conf->pop3.hard_errors;
    d->config.refused_max = conf->pop3.login_failures;
    d->config.commands_max = conf->pop3.login_commands;
    if (edge_door_open(d) == 0) {
        const struct pop3_login_config config = {.door = d->config, .apop = c->edge->apop};
        end = pop3_login(c->stream, &config, &edge_door_host, d, &japanese, &counts);
        d->login.passed_on = japanese ? S(POP3_PASSED_JAPANESE) : S("");
    }
    return edge_door_close(d, end, counts.tls_active);
}

void edge_serve_pop3(struct edge_connection *c) {
    struct stream_room room;
    _cleanup_(stream_free_p) struct stream *mail = log_in(c);
    if (!mail)
        return;
    mail = stream_settle(mail, &room);
    stream_set_timeout(c->stream, c->settings->conf->pop3.timeout);
    (void)stream_carry(c->stream, mail, NULL);
}
