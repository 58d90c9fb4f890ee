/* SPDX-License-Identifier: ISC */
#include "auth/door.h"

#include <errno.h>

const struct door_config door_config_default = {
    .timeout = 60 * USEC_SEC,
    .errors_max = 10,
    .refused_max = 5,
    .commands_max = 50,
};

struct door_login door_login_begin(struct stream *s, const struct door_config *config,
                                   const struct door_host *host, void *host_arg) {
    stream_set_timeout(s, config->timeout);
    stream_set_secret(s, true);
    return (struct door_login){s, config, host, host_arg, config->offer, 0, DOOR_END_NONE};
}

enum door_end door_login_end(struct door_login *l, unsigned commands, unsigned errors,
                             struct door_counts *ret) {
    stream_set_secret(l->stream, false);
    *ret = (struct door_counts){
        .commands = commands,
        .errors = errors,
        .refused = l->refused,
        .tls_active = l->offer.tls_active,
    };
    return l->end;
}

static enum door_result lost(struct door_login *l, int error) {
    l->end = door_end_of(error);
    return DOOR_LOST;
}

enum door_result door_judge_bare(struct door_login *l, struct slice name) {
    if (door_takes_passwords(&l->offer))
        return DOOR_DONE;
    if (l->host->bare_login)
        l->host->bare_login(l->host_arg, name);
    return DOOR_BARE;
}

enum door_result door_attempt(struct door_login *l, const char *mechanism,
                              const struct login_request *attempt) {
    int r = stream_flush(l->stream); /* what was said before does not wait for the directory */
    if (r < 0)
        return lost(l, r);
    r = l->host->login(l->host_arg, mechanism, attempt);
    if (r == -ECANCELED)
        return lost(l, r);
    if (r == 0) {
        l->end = DOOR_END_LOGIN;
        return DOOR_DONE;
    }
    if (++l->refused >= l->config->refused_max)
        l->end = DOOR_END_DISMISSED;
    return r == -E_REFUSED ? DOOR_WRONG : r == -E_BUSY ? DOOR_BUSY : DOOR_UNCHECKED;
}

enum door_result door_authenticate(struct door_login *l, struct sasl *sasl, struct slice initial,
                                   int (*ask)(void *arg, struct slice challenge,
                                              struct slice *ret_line) WAITS,
                                   void *arg) {
    _cleanup_(arena_wipe) struct arena a = {0};
    struct sasl_out out = {0};
    struct slice line = initial.ptr ? arena_copy(&a, initial) : initial;
    int r = sasl_first(sasl, &a, line, &out);
    while (r == 0 && !out.done) {
        r = ask(arg, out.challenge, &line);
        r = r < 0 ? r : sasl_next(sasl, &a, line, &out);
    }
    if (r == -ECANCELED && stream_error(l->stream) == 0 && !fiber_cancelled())
        return DOOR_GIVEN_UP;
    if (r < 0)
        return r == -E_SYNTAX ? DOOR_MALFORMED : r == -E_LIMIT ? DOOR_LONG : lost(l, r);
    struct login_request attempt = {.name = out.credentials.name,
                                    .act_as = out.credentials.act_as,
                                    .password = out.credentials.password};
    return door_attempt(l, sasl_name(sasl), &attempt);
}

/*
 * Commands sent behind STARTTLS came in the clear, perhaps from somebody in between, and must not
 * be obeyed under TLS. No honest client sends any, so the connection ends.
 */
enum door_result door_may_start_tls(const struct door_login *l) {
    if (l->offer.tls_active)
        return DOOR_TLS_ACTIVE;
    if (!l->offer.tls_available)
        return DOOR_TLS_NONE;
    return stream_has_input(l->stream) ? DOOR_TLS_LATE : DOOR_DONE;
}

enum door_result door_start_tls(struct door_login *l) {
    struct stream *s = l->stream;
    if (stream_flush(s) < 0 || stream_drop_input(s) > 0 || l->host->starttls(l->host_arg, s) < 0)
        return lost(l, -ECONNRESET);
    l->offer.tls_active = true;
    return DOOR_DONE;
}
