/* SPDX-License-Identifier: ISC */
/*
 * Dialogues with POP3 before login; a login that succeeds goes on with a session. There is one
 * account: tama@example.test, password "neko no te", APOP secret "tanstaaf".
 *
 *     set tls off               no STLS is offered; `set tls active`: it was TLS from the beginning
 *     set plaintext on          passwords are taken without TLS
 *     set apop on               the greeting has a timestamp
 *     set delay SPAN            refusals take so long
 *     set directory away / busy / disabled
 *     set handshake fails
 *     set stamp <...>           the greeting's timestamp, for
 *     expect digest {name}      the right digest over it
 *
 *     expect attempt "..."      the last attempt: mechanism, name, act as
 *     expect attempts N
 *     expect tls yes / no       a handshake was made
 *     expect end login / quit / dismissed / lost
 */
#include <errno.h>

#include "auth/apop.h"
#include "base/alloc.h"
#include "dialogue/dialogue.h"
#include "fake_maildrop.h"
#include "pop3/login.h"
#include "pop3/session.h"

struct world {
    struct fake_maildrop *maildrop;
    struct pop3_login_config config;
    usec_t delay;
    int directory; /* the error it gives; 0: it works */
    bool handshake_fails, tls;
    unsigned attempts;
    struct buf attempt;
    char digest[APOP_DIGEST_LEN + 1];
    enum pop3_end end;
};

static void *world_new(void) {
    struct world *w = NEW(struct world);
    w->maildrop = fake_maildrop_new();
    w->config = pop3_login_defaults;
    w->config.hostname = S("mail.example.test");
    w->config.offer.tls_available = true;
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    fake_maildrop_free(w->maildrop);
    buf_done(&w->attempt);
    free(w);
}

/* ------------------------------------------------------------------ the fake host */

static bool is_right(const struct pop3_attempt *attempt) {
    if (!slice_eq_nocase(attempt->name, S("tama@example.test")))
        return false;
    if (attempt->password.ptr)
        return slice_eq(attempt->password, S("neko no te"));
    return apop_verify(attempt->stamp, S("tanstaaf"), attempt->digest) == 0;
}

static int fake_login(void *host, const struct pop3_attempt *attempt) {
    struct world *w = host;
    w->attempts++;
    buf_clear(&w->attempt);
    buf_printf(&w->attempt, "%s %.*s", attempt->mechanism, SLICE_ARG(attempt->name));
    if (attempt->act_as.len > 0)
        buf_printf(&w->attempt, " as %.*s", SLICE_ARG(attempt->act_as));
    if (w->directory < 0)
        return w->directory;
    if (is_right(attempt))
        return 0;
    int r = fiber_sleep(w->delay);
    return r < 0 ? r : -E_REFUSED;
}

static int fake_starttls(void *host, struct stream *s) {
    struct world *w = host;
    MUST(!stream_has_input(s));
    w->tls = !w->handshake_fails;
    return w->tls ? 0 : -E_TLS;
}

static const struct pop3_login_host fake_host = {.login = fake_login, .starttls = fake_starttls};

static void run_session(struct stream *s, void *world) {
    struct world *w = world;
    struct pop3_login_counts counts;
    w->end = pop3_login(s, &w->config, &fake_host, w, &counts);
    if (w->end != POP3_END_LOGIN)
        return;
    struct pop3_session_config config = pop3_session_defaults;
    struct pop3_session_counts session_counts;
    config.offer = w->config.offer;
    config.offer.tls_active = counts.tls_active;
    (void)pop3_session(s, &config, &fake_maildrop_ops, w->maildrop, &session_counts);
}

/* ------------------------------------------------------------------ scripts */

static int directory_error(struct slice value) {
    return slice_eq(value, S("away")) ? -EPIPE : slice_eq(value, S("busy")) ? -E_BUSY : 0;
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    bool on = slice_eq(value, S("on"));
    if (slice_eq(name, S("tls"))) {
        w->config.offer.tls_available = on;
        w->config.offer.tls_active = slice_eq(value, S("active"));
    } else if (slice_eq(name, S("plaintext"))) {
        w->config.offer.plaintext = on;
    } else if (slice_eq(name, S("apop"))) {
        w->config.apop = on;
    } else if (slice_eq(name, S("delay"))) {
        return time_parse_span(value, &w->delay);
    } else if (slice_eq(name, S("directory"))) {
        w->directory = directory_error(value);
    } else if (slice_eq(name, S("stamp"))) {
        return apop_digest(value, S("tanstaaf"), w->digest);
    } else if (slice_eq(name, S("handshake"))) {
        w->handshake_fails = slice_eq(value, S("fails"));
    } else {
        return fake_maildrop_set(w->maildrop, name, value, problem);
    }
    return 0;
}

/* `expect apop-digest`: the right one for the stamp kept under this name is not known to scripts.
 */
static int world_get(void *world, struct slice name, struct buf *to) {
    static const char *const ends[] = {"none", "login", "quit", "dismissed", "lost"};
    struct world *w = world;
    if (slice_eq(name, S("attempt")))
        buf_add(to, buf_slice(&w->attempt));
    else if (slice_eq(name, S("attempts")))
        buf_printf(to, "%u", w->attempts);
    else if (slice_eq(name, S("digest")))
        buf_add_str(to, w->digest);
    else if (slice_eq(name, S("tls")))
        buf_add_str(to, w->tls ? "yes" : "no");
    else if (slice_eq(name, S("end")))
        buf_add_str(to, ends[w->end]);
    else
        return fake_maildrop_get(w->maildrop, name, to);
    return 0;
}

static const struct dialogue login = {
    .session = run_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "pop3 login", &login);
}
