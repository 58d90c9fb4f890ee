/* SPDX-License-Identifier: ISC */
/*
 * One loop over the commands of this state; each has a function in the table, and what is not there
 * belongs after the login. A function that ends the conversation sets `end`.
 *
 * Passwords over a connection without TLS are refused with [PRIVACYREQUIRED] (RFC 5530): asking the
 * person for another password would not help. AUTHENTICATE is refused before the client has sent
 * one; a client that obeys LOGINDISABLED never sends LOGIN.
 */
#include "imap/login.h"

#include <errno.h>

#include "base/encode.h"

struct before_login {
    struct imap_connection c;
    struct door_login door;
    struct buf *passed_on;
};

static void dismiss(struct before_login *l, const char *text) WAITS {
    imap_say(&l->c, S("*"), "BYE", NULL, "%s", text);
    l->door.end = DOOR_END_DISMISSED;
}

static void bad(struct before_login *l, struct slice tag, const char *text) WAITS {
    if (imap_bad(&l->c, tag, "%s", text) < 0)
        l->door.end = DOOR_END_DISMISSED;
}

/* ------------------------------------------------------------------ who comes */

/* Says what came of a command; `end` is set when it was the last one. */
static void answer(struct before_login *l, struct slice tag, enum door_result result) WAITS {
    static const struct {
        const char *code; /* with NO; NULL: BAD */
        const char *text;
    } answers[DOOR_RESULTS] = {
        [DOOR_WRONG] = {"AUTHENTICATIONFAILED", "name or password is wrong"},
        [DOOR_BUSY] = {"LIMIT", "too many failed logins, try again later"},
        [DOOR_UNCHECKED] = {"UNAVAILABLE", "logins cannot be checked just now, try again later"},
        [DOOR_BARE] = {"PRIVACYREQUIRED",
                       "the password would travel unprotected: turn on TLS (STARTTLS, or port 993) "
                       "in your mail program"},
        [DOOR_GIVEN_UP] = {NULL, "AUTHENTICATE given up"},
        [DOOR_MALFORMED] = {NULL, "this is not what the mechanism expects"},
        [DOOR_TLS_ACTIVE] = {NULL, "TLS is active already"},
        [DOOR_TLS_NONE] = {NULL, "TLS is not available here"},
        [DOOR_TLS_LATE] = {NULL, "nothing may follow STARTTLS before TLS has begun"},
    };
    bool was_last = l->door.end == DOOR_END_DISMISSED;
    if (result == DOOR_LONG)
        dismiss(l, "the response is too long, closing");
    else if (answers[result].code)
        imap_say(&l->c, tag, "NO", answers[result].code, "%s", answers[result].text);
    else if (answers[result].text)
        bad(l, tag, answers[result].text);
    if (result == DOOR_TLS_LATE)
        dismiss(l, "closing");
    if (was_last && result != DOOR_LOST)
        dismiss(l, "too many failed logins, closing");
    if (l->door.end == DOOR_END_LOGIN)
        buf_add(l->passed_on, tag);
}

static void reply_login(struct before_login *l, const struct imap_command *command) WAITS {
    struct login_request attempt = {.name = command->login.user,
                                    .password = command->login.password};
    enum door_result result = door_judge_bare(&l->door, attempt.name);
    if (result == DOOR_DONE)
        result = door_attempt(&l->door, "LOGIN", &attempt);
    answer(l, command->tag, result);
}

/* AUTHENTICATE (§6.2.2): a challenge, and the line that answers it. */
static int ask(void *arg, struct slice challenge, struct slice *ret_line) WAITS {
    struct before_login *l = arg;
    UNUSED _cleanup_(fiber_deadline_end) struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + l->door.config->timeout);
    stream_str(l->c.stream, "+ ");
    base64_encode(&l->c.out, challenge);
    imap_send(&l->c);
    stream_str(l->c.stream, "\r\n");
    return imap_reader_line(&l->c.reader, SASL_LINE_MAX, ret_line);
}

static void reply_authenticate(struct before_login *l, const struct imap_command *command) WAITS {
    struct slice tag = arena_copy(&l->c.arena, command->tag);
    struct sasl sasl = {0};
    if (sasl_start(&sasl, command->authenticate.mechanism) < 0) {
        imap_say(&l->c, tag, "NO", NULL,
                 "this mechanism is not offered, CAPABILITY lists those that are");
        return;
    }
    enum door_result result = door_judge_bare(&l->door, S(""));
    if (result == DOOR_DONE)
        result = door_authenticate(&l->door, &sasl, command->authenticate.initial, ask, l);
    answer(l, tag, result);
}

/* ------------------------------------------------------------------ other commands */

static void reply_capability(struct before_login *l, const struct imap_command *command) WAITS {
    imap_reply_capability(&l->c, command, &l->door.offer, false);
}

static void reply_id(struct before_login *l, const struct imap_command *command) WAITS {
    imap_reply_id(&l->c, command);
}

static void reply_noop(struct before_login *l, const struct imap_command *command) WAITS {
    imap_say(&l->c, command->tag, "OK", NULL, "nothing is new");
}

static void reply_starttls(struct before_login *l, const struct imap_command *command) WAITS {
    enum door_result result = door_may_start_tls(&l->door);
    if (result == DOOR_DONE) {
        imap_say(&l->c, command->tag, "OK", NULL, "begin TLS");
        (void)door_start_tls(&l->door);
    } else {
        answer(l, command->tag, result);
    }
}

static void reply_logout(struct before_login *l, const struct imap_command *command) WAITS {
    imap_reply_logout(&l->c, command);
    l->door.end = DOOR_END_LOGOUT;
}

static void (*const functions[IMAP_VERBS])(struct before_login *l,
                                           const struct imap_command *command) WAITS = {
    [IMAP_AUTHENTICATE] = reply_authenticate,
    [IMAP_CAPABILITY] = reply_capability,
    [IMAP_ID] = reply_id,
    [IMAP_LOGIN] = reply_login,
    [IMAP_LOGOUT] = reply_logout,
    [IMAP_NOOP] = reply_noop,
    [IMAP_STARTTLS] = reply_starttls,
};

static void run_command(struct before_login *l) WAITS {
    struct imap_command command;
    int r = imap_connection_next(&l->c, &command);
    if (r == -ETIMEDOUT)
        dismiss(l, "nothing was said for too long, closing");
    else if (r == -ECANCELED)
        dismiss(l, "the server is being stopped, closing");
    else if (r < 0)
        l->door.end = door_end_of(r);
    else if (l->c.commands > l->door.config->commands_max)
        dismiss(l, "too many commands without a login, closing");
    else if (!functions[command.verb])
        bad(l, command.tag, "this is not offered here");
    else
        functions[command.verb](l, &command);
}

enum door_end imap_login(struct stream *s, const struct door_config *config, bool again,
                         const struct door_host *host, void *host_arg, struct buf *passed_on,
                         struct door_counts *ret) {
    struct before_login l = {
        .door = door_login_begin(s, config, host, host_arg),
        .passed_on = passed_on,
    };
    imap_connection_init(&l.c, s, &imap_limits_before_login, config->timeout, config->errors_max);
    l.c.mode.state = IMAP_STATE_LOGIN;
    l.c.reader.secret = true;
    if (!again)
        imap_welcome(
            &l.c, S("*"), &l.door.offer, false,
            arena_printf(&l.c.arena, "Hayauma IMAP ready at %.*s", SLICE_ARG(config->hostname)));
    while (l.door.end == DOOR_END_NONE)
        run_command(&l);
    imap_connection_done(&l.c);
    return door_login_end(&l.door, l.c.commands, l.c.errors, ret);
}
