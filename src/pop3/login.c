/* SPDX-License-Identifier: ISC */
/*
 * One loop over the commands of this state; each has a function in the table, and what is not there
 * belongs after the login. A function that ends the conversation sets `end`.
 *
 * Passwords over a connection without TLS are refused at USER already, before the client has sent
 * the password. The refusal is [SYS/PERM] and not [AUTH] (RFC 3206): asking the person for another
 * password would not help.
 */
#include "pop3/login.h"

#include <errno.h>

#include "auth/apop.h"
#include "auth/sasl.h"
#include "base/encode.h"
#include "base/random.h"

#define PLAINTEXT_REFUSED                                                                          \
    "[SYS/PERM] the password would travel unprotected: turn on TLS (STARTTLS, or port 995) in "    \
    "your mail program"

const struct pop3_login_config pop3_login_defaults = {
    .timeout = 60 * USEC_SEC,
    .errors_max = 10,
    .refused_max = 5,
    .commands_max = 50,
};

struct login {
    struct pop3_connection c;
    const struct pop3_login_config *config;
    const struct pop3_login_host *host;
    void *host_arg;
    struct pop3_offer offer;
    struct arena arena; /* stamp and the name of USER; never reset */
    struct slice stamp, user;
    unsigned refused;
    enum pop3_end end;
};

static void refuse(struct login *l, const char *text) WAITS {
    if (pop3_refuse(&l->c, "%s", text) < 0)
        l->end = POP3_END_DISMISSED;
}

static void refuse_bare(struct login *l, struct slice name) WAITS {
    if (l->host->bare_login)
        l->host->bare_login(l->host_arg, name);
    refuse(l, PLAINTEXT_REFUSED);
}

/* The end for an error of reading: our own refusals have been said. */
static enum pop3_end end_of(int error) {
    return error == -E_REFUSED ? POP3_END_DISMISSED : POP3_END_LOST;
}

/* ------------------------------------------------------------------ who comes */

static void refuse_attempt(struct login *l, int error) WAITS {
    struct stream *s = l->c.stream;
    if (error == -E_REFUSED)
        stream_str(s, "-ERR [AUTH] name or password is wrong\r\n");
    else if (error == -E_BUSY)
        stream_str(s, "-ERR [SYS/TEMP] too many failed logins, try again later\r\n");
    else
        stream_str(s, "-ERR [SYS/TEMP] logins cannot be checked just now, try again later\r\n");
    if (++l->refused < l->config->refused_max)
        return;
    stream_str(s, "-ERR too many failed logins, closing\r\n");
    l->end = POP3_END_DISMISSED;
}

static void try_login(struct login *l, const struct pop3_attempt *attempt) WAITS {
    int r = stream_flush(l->c.stream);
    if (r < 0) {
        l->end = POP3_END_LOST;
        return;
    }
    r = l->host->login(l->host_arg, attempt);
    l->user = (struct slice){0};
    if (r == 0)
        l->end = POP3_END_LOGIN;
    else if (r == -ECANCELED)
        l->end = POP3_END_LOST;
    else
        refuse_attempt(l, r);
}

static void reply_user(struct login *l, const struct pop3_command *command) WAITS {
    if (!pop3_takes_passwords(&l->offer)) {
        refuse_bare(l, command->text);
        return;
    }
    l->user = arena_copy(&l->arena, command->text);
    stream_str(l->c.stream, "+OK now the password\r\n");
}

static void reply_pass(struct login *l, const struct pop3_command *command) WAITS {
    if (!pop3_takes_passwords(&l->offer)) {
        refuse_bare(l, S(""));
    } else if (l->user.len == 0) {
        refuse(l, "USER comes first");
    } else {
        struct pop3_attempt attempt = {
            .mechanism = "USER", .name = l->user, .password = command->text};
        try_login(l, &attempt);
    }
}

static void reply_apop(struct login *l, const struct pop3_command *command) WAITS {
    if (!l->config->apop) {
        refuse(l, "[SYS/PERM] APOP is not offered here");
        return;
    }
    struct pop3_attempt attempt = {
        .mechanism = "APOP", .name = command->text, .stamp = l->stamp, .digest = command->more};
    try_login(l, &attempt);
}

/* ------------------------------------------------------------------ AUTH (RFC 5034) */

static void auth_failed(struct login *l, int error) WAITS {
    if (error == -ECANCELED && stream_error(l->c.stream) == 0 && !fiber_cancelled())
        refuse(l, "AUTH given up");
    else if (error == -E_SYNTAX)
        refuse(l, "this is not what the mechanism expects");
    else if (error == -E_LIMIT)
        refuse(l, "the response is too long");
    else
        l->end = end_of(error);
}

static void run_auth(struct login *l, struct arena *a, struct sasl *sasl,
                     struct slice initial) WAITS {
    struct sasl_out out = {0};
    int r = sasl_first(sasl, a, initial, &out);
    while (r == 0 && !out.done) {
        _cleanup_(buf_done) struct buf challenge = {0};
        struct slice line;
        base64_encode(&challenge, out.challenge);
        stream_printf(l->c.stream, "+ %s\r\n", buf_str(&challenge));
        r = pop3_read_line(&l->c, SASL_LINE_MAX, &line);
        r = r < 0 ? r : sasl_next(sasl, a, line, &out);
    }
    if (r < 0) {
        auth_failed(l, r);
        return;
    }
    struct pop3_attempt attempt = {.mechanism = sasl_name(sasl),
                                   .name = out.credentials.name,
                                   .act_as = out.credentials.act_as,
                                   .password = out.credentials.password};
    try_login(l, &attempt);
    sasl_wipe(&out.credentials);
}

static void reply_auth(struct login *l, const struct pop3_command *command) WAITS {
    struct sasl sasl = {0};
    if (command->text.len == 0) {
        const char *mechanism;
        bool offers = pop3_takes_passwords(&l->offer);
        stream_str(l->c.stream, "+OK\r\n");
        for (size_t place = 0; offers && (mechanism = sasl_offer(place)); place++)
            stream_printf(l->c.stream, "%s\r\n", mechanism);
        stream_str(l->c.stream, ".\r\n");
    } else if (sasl_start(&sasl, command->text) < 0) {
        refuse(l, "[SYS/PERM] this mechanism is not offered, CAPA lists those that are");
    } else if (!pop3_takes_passwords(&l->offer)) {
        refuse_bare(l, S(""));
    } else {
        _cleanup_(arena_done) struct arena a = {0};
        struct slice initial = command->more;
        if (initial.ptr)
            initial = arena_copy(&a, initial);
        run_auth(l, &a, &sasl, initial);
    }
}

/* ------------------------------------------------------------------ other commands */

static void reply_capa(struct login *l, const struct pop3_command *command) WAITS {
    pop3_capabilities(l->c.stream, &l->offer, false);
}

/*
 * Commands sent behind STLS came in the clear, perhaps from somebody in between, and must not be
 * obeyed under TLS. No honest client sends any, so the connection ends.
 */
static void reply_stls(struct login *l, const struct pop3_command *command) WAITS {
    struct stream *s = l->c.stream;
    if (l->offer.tls_active || !l->offer.tls_available) {
        refuse(l, l->offer.tls_active ? "TLS is active already" : "TLS is not available here");
        return;
    }
    if (stream_has_input(s)) {
        stream_str(s, "-ERR nothing may follow STLS before TLS has begun, closing\r\n");
        l->end = POP3_END_DISMISSED;
        return;
    }
    stream_str(s, "+OK begin TLS\r\n");
    if (stream_flush(s) < 0 || stream_drop_input(s) > 0 || l->host->starttls(l->host_arg, s) < 0) {
        l->end = POP3_END_LOST;
        return;
    }
    l->offer.tls_active = true;
    l->user = (struct slice){0};
}

static void reply_quit(struct login *l, const struct pop3_command *command) WAITS {
    stream_str(l->c.stream, "+OK goodbye\r\n");
    l->end = POP3_END_QUIT;
}

static void (*const functions[POP3_VERBS])(struct login *l,
                                           const struct pop3_command *command) WAITS = {
    [POP3_APOP] = reply_apop, [POP3_AUTH] = reply_auth, [POP3_CAPA] = reply_capa,
    [POP3_PASS] = reply_pass, [POP3_QUIT] = reply_quit, [POP3_STLS] = reply_stls,
    [POP3_USER] = reply_user,
};

static void run_command(struct login *l) WAITS {
    struct pop3_command command;
    int r = pop3_next(&l->c, &command);
    if (r < 0)
        l->end = end_of(r);
    else if (l->c.commands > l->config->commands_max) {
        stream_str(l->c.stream, "-ERR too many commands without a login, closing\r\n");
        l->end = POP3_END_DISMISSED;
    } else if (!functions[command.verb]) {
        refuse(l, "log in first");
    } else {
        functions[command.verb](l, &command);
    }
}

enum pop3_end pop3_login(struct stream *s, const struct pop3_login_config *config,
                         const struct pop3_login_host *host, void *host_arg,
                         struct pop3_login_counts *ret) {
    struct login l = {
        .c = {.stream = s, .timeout = config->timeout, .errors_max = config->errors_max},
        .config = config,
        .host = host,
        .host_arg = host_arg,
        .offer = config->offer,
    };
    stream_set_timeout(s, config->timeout);
    if (config->apop)
        l.stamp = apop_stamp(&l.arena, random_u64(), fiber_wall(), config->hostname);
    stream_printf(s, "+OK Hayauma POP3 ready %s%.*s\r\n", config->apop ? "" : "at ",
                  SLICE_ARG(config->apop ? l.stamp : config->hostname));
    while (l.end == POP3_END_NONE)
        run_command(&l);
    *ret = (struct pop3_login_counts){
        .commands = l.c.commands,
        .errors = l.c.errors,
        .refused = l.refused,
        .tls_active = l.offer.tls_active,
    };
    arena_done(&l.arena);
    return l.end;
}
