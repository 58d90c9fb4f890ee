/* SPDX-License-Identifier: ISC */
/*
 * AUTH (RFC 4954). The mechanism's dialogue is the auth floor's, the verdict the host's; here are
 * the order, the carrying and the replies. Secrets stay in the arena, which is wiped with the end
 * of the command, and in the stream, which wipes them as long as there was no login (session.c).
 */
#include <errno.h>

#include "base/encode.h"
#include "smtp/conversation.h"

static bool may_log_in(struct smtp_session *s) WAITS {
    if (s->listener->service != SMTP_SUBMISSION)
        SMTP_SEND_REPLY(s, 502, 5, 5, 1,
                        "No login on this port, users send mail by port 465 or 587");
    else if (!s->client.hello.len)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "EHLO comes first");
    else if (s->client.account.len)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "You are logged in already");
    else if (s->transaction)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "No login inside a mail transaction");
    else if (s->client.tls || s->listener->plaintext_login)
        return true;
    else {
        smtp_event(s, SMTP_EVENT_LOGIN_BARE, S(""));
        SMTP_SEND_REPLY(s, 538, 5, 7, 11, "Login needs TLS, use STARTTLS first");
    }
    return false;
}

static int challenge(struct smtp_session *s, struct slice bytes, struct slice *ret_line) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    base64_encode(&text, bytes);
    smtp_send_reply(s, &(struct smtp_reply){.code = 334, .text = buf_slice(&text)});
    int r = smtp_read_line(s, s->listener->limits.auth_line_max, ret_line);
    if (r == 0 && !slice_ends(*ret_line, S("\r\n")))
        return -E_SYNTAX;
    ret_line->len -= r == 0 ? 2 : 0;
    return r;
}

/*
 * From the first response to the credentials. 0, or negative: -E_LIMIT and errors of the stream
 * have been answered.
 */
static int run_mechanism(struct smtp_session *s, struct sasl *sasl, struct slice initial,
                         struct sasl_out *ret, bool *ret_answered) WAITS {
    struct slice line = {0};
    int r = sasl_first(sasl, &s->arena, initial, ret);
    while (r == 0 && !ret->done) {
        r = challenge(s, ret->challenge, &line);
        *ret_answered = r < 0 && r != -E_SYNTAX;
        if (r == 0)
            r = sasl_next(sasl, &s->arena, line, ret);
    }
    return r;
}

/* A login, and whether what stopped it has been answered. */
struct asking {
    struct smtp_login login;
    struct smtp_session *session;
    bool answered, cancelled;
};

static int ask_on(const struct smtp_login *login, struct slice bytes,
                  struct slice *ret_response) WAITS {
    struct asking *asking = CONTAINER_OF(login, struct asking, login);
    struct smtp_session *s = asking->session;
    struct slice line;
    int r = challenge(s, bytes, &line);
    asking->answered = r < 0 && r != -E_SYNTAX;
    asking->cancelled = r == 0 && slice_eq(line, S("*")); /* RFC 4954 §4 */
    return r == 0 ? base64_decode(&s->arena, line, ret_response) : r;
}

static void log_in(struct smtp_session *s, const struct sasl *sasl,
                   const struct sasl_credentials *credentials) WAITS {
    struct asking asking = {{sasl_name(sasl), credentials, ask_on}, s, false, false};
    struct slice account = {0};
    int r = s->host->login(s->host->arg, &s->client, &asking.login, &s->arena, &account);
    if (r < 0 && asking.answered) {
        return;
    } else if (asking.cancelled) {
        SMTP_SEND_REPLY(s, 501, 5, 7, 0, "Login cancelled");
    } else if (r == -E_SYNTAX) {
        SMTP_SEND_REPLY(s, 501, 5, 5, 2, "The response cannot be read");
    } else if (r == -E_REFUSED) {
        smtp_event(s, SMTP_EVENT_LOGIN_FAILED, credentials->name);
        SMTP_SEND_REPLY(s, 535, 5, 7, 8, "Name or password is wrong");
        if (++s->login_failures >= s->listener->limits.login_failures && !s->closing)
            SMTP_SEND_REPLY(s, 421, 4, 7, 0, "Too many failed logins, closing");
    } else if (r < 0 || !account.len) {
        SMTP_SEND_REPLY(s, 454, 4, 7, 0, "Login is not possible now, please try again later");
    } else {
        buf_clear(&s->account);
        buf_add(&s->account, account);
        s->client.account = buf_slice(&s->account);
        smtp_event(s, SMTP_EVENT_LOGIN, s->client.account);
        SMTP_SEND_REPLY(s, 235, 2, 7, 0, "Welcome");
    }
}

void smtp_cmd_auth(struct smtp_session *s, const struct smtp_command *c) {
    struct smtp_auth auth;
    struct smtp_fault fault;
    struct sasl sasl = {0};
    struct sasl_out out = {0};
    bool answered = false;
    if (!may_log_in(s))
        return;
    if (smtp_auth_parse(c, &auth, &fault) < 0) {
        smtp_reply_fault(s, &fault);
        return;
    }
    if (sasl_start(&sasl, auth.mechanism) < 0) {
        SMTP_SEND_REPLY(s, 504, 5, 5, 4, "This mechanism is not offered");
        return;
    }
    int r = run_mechanism(s, &sasl, auth.initial, &out, &answered);
    if (r == 0)
        log_in(s, &sasl, &out.credentials);
    else if (r == -ECANCELED && !answered)
        SMTP_SEND_REPLY(s, 501, 5, 7, 0, "Login cancelled");
    else if (!answered)
        SMTP_SEND_REPLY(s, 501, 5, 5, 2, "The response cannot be read");
    sasl_wipe(&out.credentials);
    arena_wipe(&s->arena);
}
