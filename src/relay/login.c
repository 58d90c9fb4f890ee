/* SPDX-License-Identifier: ISC */
/*
 * The client's half of SASL PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195) in SMTP (RFC 4954).
 *
 * Inside TLS the password itself is sent, with PLAIN before LOGIN: what the other host stores is
 * its own affair. Without TLS nothing is sent unless the settings say so, and then rather a digest.
 *
 * Some hosts offer a mechanism that they do not master. So one that is refused is followed by the
 * next, but no password follows a digest without TLS.
 *
 * Whatever goes wrong is a matter of this host and its postmaster. So it is never permanent: the
 * messages wait until he has put it right.
 */
#include <errno.h>

#include "auth/cram_md5.h"
#include "base/encode.h"
#include "relay/talk.h"

#define INITIAL_MAX 480U  /* longer lines than this wait for the challenge */
#define LINE_MAX    4096U /* so that no copy of a secret stays behind when a buffer grows */

struct mechanism {
    enum relay_mechanism bit;
    const char *name;
    int (*run)(struct relay_client *c, struct arena *a, struct smtp_reply *reply) WAITS;
};

static int ask(struct relay_client *c, struct slice line, struct slice shown, struct arena *a,
               struct smtp_reply *reply) WAITS {
    talk_secret(c, line, shown);
    return talk_reply(c, "AUTH", c->options.timeouts.command, a, reply);
}

/* The answer to a challenge, if there is one: the reply is the last word otherwise. */
static int answer(struct relay_client *c, struct slice secret, struct arena *a,
                  struct smtp_reply *reply) WAITS {
    _cleanup_(buf_done) struct buf line = {0};
    if (reply->code / 100 != 3)
        return 0;
    buf_reserve(&line, LINE_MAX);
    base64_encode(&line, secret);
    int r = ask(c, buf_slice(&line), S("(secret)"), a, reply);
    explicit_bzero(line.ptr, line.len);
    return r;
}

static int run_plain(struct relay_client *c, struct arena *a, struct smtp_reply *reply) WAITS {
    const struct relay_login *l = c->options.login;
    _cleanup_(buf_done) struct buf secret = {0};
    _cleanup_(buf_done) struct buf line = {0};
    buf_reserve(&secret, LINE_MAX);
    buf_reserve(&line, LINE_MAX);
    buf_add_byte(&secret, '\0');
    buf_add(&secret, l->user);
    buf_add_byte(&secret, '\0');
    buf_add(&secret, l->password);
    buf_add(&line, S("AUTH PLAIN "));
    base64_encode(&line, buf_slice(&secret));
    bool at_once = line.len <= INITIAL_MAX;
    int r = at_once ? ask(c, buf_slice(&line), S("AUTH PLAIN (secret)"), a, reply)
                    : ask(c, S("AUTH PLAIN"), S("AUTH PLAIN"), a, reply);
    if (r == 0) /* some ask again for what they have got */
        r = answer(c, buf_slice(&secret), a, reply);
    explicit_bzero(secret.ptr, secret.len);
    explicit_bzero(line.ptr, line.len);
    return r;
}

static int run_login(struct relay_client *c, struct arena *a, struct smtp_reply *reply) WAITS {
    int r = ask(c, S("AUTH LOGIN"), S("AUTH LOGIN"), a, reply);
    if (r == 0)
        r = answer(c, c->options.login->user, a, reply);
    return r < 0 ? r : answer(c, c->options.login->password, a, reply);
}

static int run_cram_md5(struct relay_client *c, struct arena *a, struct smtp_reply *reply) WAITS {
    const struct relay_login *l = c->options.login;
    struct slice challenge, text;
    int r = ask(c, S("AUTH CRAM-MD5"), S("AUTH CRAM-MD5"), a, reply);
    if (r < 0 || reply->code / 100 != 3)
        return r;
    if (base64_decode(a, slice_trim(reply->text), &challenge) < 0 ||
        cram_md5_answer(a, challenge, l->user, l->password, &text) < 0)
        return 0; /* which is cancelled */
    return answer(c, text, a, reply);
}

static const struct mechanism in_tls[] = {{MECHANISM_PLAIN, "PLAIN", run_plain},
                                          {MECHANISM_LOGIN, "LOGIN", run_login},
                                          {MECHANISM_CRAM_MD5, "CRAM-MD5", run_cram_md5}},
                              in_plain_text[] = {{MECHANISM_CRAM_MD5, "CRAM-MD5", run_cram_md5},
                                                 {MECHANISM_PLAIN, "PLAIN", run_plain},
                                                 {MECHANISM_LOGIN, "LOGIN", run_login}};

/* 0: the reply is a yes, or a no of any kind; a challenge that is left has been cancelled. */
static int try_mechanism(struct relay_client *c, const struct mechanism *m, struct arena *a,
                         struct smtp_reply *reply) WAITS {
    (void)talk_pass_over_surplus(c);
    int r = m->run(c, a, reply);
    if (r == 0 && reply->code / 100 == 3)
        r = ask(c, S("*"), S("*"), a, reply);
    if (r == 0 && talk_tells_secret(c, reply->text))
        reply->text = S("(secret)");
    return r;
}

static int refuse(struct relay_client *c, struct arena *a, struct relay_failure *failure,
                  unsigned detail, struct slice why) {
    struct smtp_reply reply = {454, {4, 7, (uint16_t)detail}, {NULL, 0}};
    reply.text = arena_printf(a, "No login at %.*s as %.*s: %.*s", SLICE_ARG(c->options.peer),
                              SLICE_ARG(c->options.login->user), SLICE_ARG(why));
    failure->login_failed = true;
    failure->result =
        (struct relay_result){.disposition = RELAY_LATER, .reply = reply, .next_host = true};
    return -E_REFUSED;
}

/*
 * The mechanisms that both sides know, until one is not refused for good. 0: logged in; positive:
 * refused, and `why` has what was said; negative: the session is over before anything was said.
 */
static int try_mechanisms(struct relay_client *c, struct arena *a, struct buf *why,
                          struct smtp_reply *reply) WAITS {
    const struct mechanism *list = c->tls ? in_tls : in_plain_text;
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(in_tls); i++) {
        if (!(c->mechanisms & list[i].bit))
            continue;
        int r = try_mechanism(c, &list[i], a, reply);
        if (r < 0)
            return any && r != -ECANCELED ? 1 : r;
        if (reply->code / 100 == 2)
            return 0;
        buf_printf(why, "%s AUTH %s with %.*s", any ? "," : "it answers", list[i].name,
                   SLICE_ARG(smtp_reply_text(a, reply)));
        any = true;
        if (reply->code / 100 != 5 || (!c->tls && list[i].bit == MECHANISM_CRAM_MD5))
            break;
    }
    return 1;
}

int login(struct relay_client *c, struct arena *a, struct relay_failure *failure) {
    _cleanup_(buf_done) struct buf why = {0};
    struct smtp_reply reply;
    if (!c->options.login->password.ptr)
        return refuse(c, a, failure, 8, S("relay.password-file has no password for it"));
    if (!c->tls && !c->options.login->without_tls)
        return refuse(c, a, failure, 11, S("it has no TLS, without which no password is sent"));
    if (!c->mechanisms)
        return refuse(c, a, failure, 4, S("it offers none of PLAIN, LOGIN and CRAM-MD5"));
    int r = try_mechanisms(c, a, &why, &reply);
    if (r > 0)
        return refuse(c, a, failure, 8, buf_slice(&why));
    if (r < 0)
        failure->result =
            (struct relay_result){.disposition = RELAY_LATER, .reply = reply, .next_host = true};
    return r;
}
