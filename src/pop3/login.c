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
#include "base/encode.h"
#include "base/random.h"

struct before_login {
    struct pop3_connection c;
    struct door_login door;
    bool apop;
    struct arena arena; /* stamp and the name of USER; never reset */
    struct slice stamp, user;
};

static void refuse(struct before_login *l, const char *text) WAITS {
    if (pop3_refuse(&l->c, "%s", text) < 0)
        l->door.end = DOOR_END_DISMISSED;
}

static void dismiss(struct before_login *l, const char *text) WAITS {
    pop3_cannot(&l->c, "%s", text);
    l->door.end = DOOR_END_DISMISSED;
}

/* ------------------------------------------------------------------ who comes */

/* Says what came of a command; `end` is set when it was the last one. */
static void answer(struct before_login *l, enum door_result result) WAITS {
    static const char *const answers[DOOR_RESULTS] = {
        [DOOR_WRONG] = "[AUTH] name or password is wrong",
        [DOOR_BUSY] = "[SYS/TEMP] too many failed logins, try again later",
        [DOOR_UNCHECKED] = "[SYS/TEMP] logins cannot be checked just now, try again later",
        [DOOR_BARE] = ("[SYS/PERM] the password would travel unprotected: turn on TLS (STARTTLS, "
                       "or port 995) in your mail program"),
        [DOOR_GIVEN_UP] = "AUTH given up",
        [DOOR_MALFORMED] = "this is not what the mechanism expects",
        [DOOR_LONG] = "the response is too long",
        [DOOR_TLS_ACTIVE] = "TLS is active already",
        [DOOR_TLS_NONE] = "TLS is not available here",
    };
    switch (result) {
    case DOOR_WRONG:
    case DOOR_BUSY:
    case DOOR_UNCHECKED:
        l->user = (struct slice){0}; /* who tries again begins with USER */
        pop3_cannot(&l->c, "%s", answers[result]);
        if (l->door.end == DOOR_END_DISMISSED)
            dismiss(l, "too many failed logins, closing");
        break;
    case DOOR_TLS_LATE:
        dismiss(l, "nothing may follow STLS before TLS has begun, closing");
        break;
    default:
        if (answers[result])
            refuse(l, answers[result]);
        break;
    }
}

static void reply_user(struct before_login *l, const struct pop3_command *command) WAITS {
    enum door_result result = door_judge_bare(&l->door, command->text);
    if (result != DOOR_DONE) {
        answer(l, result);
        return;
    }
    l->user = arena_copy(&l->arena, command->text);
    pop3_ok(&l->c, "now the password");
}

static void reply_pass(struct before_login *l, const struct pop3_command *command) WAITS {
    struct login_request attempt = {.name = l->user, .password = command->text};
    enum door_result result = door_judge_bare(&l->door, S(""));
    if (result == DOOR_DONE && l->user.len == 0) {
        refuse(l, "USER comes first");
        return;
    }
    if (result == DOOR_DONE)
        result = door_attempt(&l->door, "USER", &attempt);
    answer(l, result);
}

static void reply_apop(struct before_login *l, const struct pop3_command *command) WAITS {
    struct login_request attempt = {
        .name = command->text, .stamp = l->stamp, .digest = command->more};
    if (l->apop)
        answer(l, door_attempt(&l->door, "APOP", &attempt));
    else
        refuse(l, "[SYS/PERM] APOP is not offered here");
}

/* ------------------------------------------------------------------ AUTH (RFC 5034) */

static int ask(void *arg, struct slice challenge, struct slice *ret_line) WAITS {
    struct before_login *l = arg;
    _cleanup_(buf_done) struct buf text = {0};
    base64_encode(&text, challenge);
    stream_printf(l->c.stream, "+ %s\r\n", buf_str(&text));
    return pop3_read_line(&l->c, SASL_LINE_MAX, ret_line);
}

static void reply_auth(struct before_login *l, const struct pop3_command *command) WAITS {
    struct sasl sasl = {0};
    if (command->text.len == 0) {
        const char *mechanism;
        bool offers = door_takes_passwords(&l->door.offer);
        stream_str(l->c.stream, "+OK\r\n");
        for (size_t place = 0; offers && (mechanism = sasl_offer(place)); place++)
            stream_printf(l->c.stream, "%s\r\n", mechanism);
        stream_str(l->c.stream, ".\r\n");
        return;
    }
    if (sasl_start(&sasl, command->text) < 0) {
        refuse(l, "[SYS/PERM] this mechanism is not offered, CAPA lists those that are");
        return;
    }
    enum door_result result = door_judge_bare(&l->door, S(""));
    if (result == DOOR_DONE)
        result = door_authenticate(&l->door, &sasl, command->more, ask, l);
    answer(l, result);
}

/* ------------------------------------------------------------------ other commands */

static void reply_capa(struct before_login *l, const struct pop3_command *command) WAITS {
    pop3_capabilities(&l->c, &l->door.offer, false);
}

static void reply_stls(struct before_login *l, const struct pop3_command *command) WAITS {
    enum door_result result = door_may_start_tls(&l->door);
    if (result == DOOR_DONE) {
        pop3_ok(&l->c, "begin TLS");
        result = door_start_tls(&l->door);
        l->user = (struct slice){0}; /* it came in the clear */
    }
    answer(l, result);
}

static void reply_lang(struct before_login *l, const struct pop3_command *command) WAITS {
    pop3_reply_lang(&l->c, command);
}

/* Messages are sent as they came in any case, so there is nothing to be remembered. */
static void reply_utf8(struct before_login *l, const struct pop3_command *command) WAITS {
    pop3_ok(&l->c, "messages come as they are");
}

static void reply_quit(struct before_login *l, const struct pop3_command *command) WAITS {
    pop3_ok(&l->c, "goodbye");
    l->door.end = DOOR_END_LOGOUT;
}

static void (*const functions[POP3_VERBS])(struct before_login *l,
                                           const struct pop3_command *command) WAITS = {
    [POP3_APOP] = reply_apop, [POP3_AUTH] = reply_auth, [POP3_CAPA] = reply_capa,
    [POP3_LANG] = reply_lang, [POP3_PASS] = reply_pass, [POP3_QUIT] = reply_quit,
    [POP3_STLS] = reply_stls, [POP3_USER] = reply_user, [POP3_UTF8] = reply_utf8,
};

static void run_command(struct before_login *l) WAITS {
    struct pop3_command command;
    int r = pop3_next(&l->c, &command);
    if (r < 0)
        l->door.end = door_end_of(r);
    else if (l->c.commands > l->door.config->commands_max)
        dismiss(l, "too many commands without a login, closing");
    else if (!functions[command.verb])
        refuse(l, "log in first");
    else
        functions[command.verb](l, &command);
}

enum door_end pop3_login(struct stream *s, const struct pop3_login_config *config,
                         const struct door_host *host, void *host_arg, bool *ret_japanese,
                         struct door_counts *ret) {
    const struct door_config *door = &config->door;
    struct before_login l = {
        .c = {.stream = s, .timeout = door->timeout, .errors_max = door->errors_max},
        .door = door_login_begin(s, door, host, host_arg),
        .apop = config->apop,
    };
    if (config->apop)
        l.stamp = apop_stamp(&l.arena, random_u64(), fiber_wall(), door->hostname);
    stream_printf(s, "+OK Hayauma POP3 ready %s%.*s\r\n", config->apop ? "" : "at ",
                  SLICE_ARG(config->apop ? l.stamp : door->hostname));
    while (l.door.end == DOOR_END_NONE)
        run_command(&l);
    *ret_japanese = l.c.japanese;
    arena_done(&l.arena);
    return door_login_end(&l.door, l.c.commands, l.c.errors, ret);
}
