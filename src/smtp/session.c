/* SPDX-License-Identifier: ISC */
/*
 * The conversation from top to bottom: greeting, then one command after the other out of one table,
 * until somebody ends it. Each command is a function that checks its order, asks the host and says
 * its reply; those with more to do have files of their own (cmd_*.c).
 *
 * Replies are not flushed one by one: the stream does that when it would wait for input, so that
 * the replies to pipelined commands travel together (RFC 2920 §3.2).
 *
 * An idle session holds this struct, its stream and nothing else.
 */
#include "smtp/session.h"

#include <errno.h>

#include "smtp/conversation.h"

const struct smtp_limits smtp_limits_default = {
    .command_line_max = 4096,
    .auth_line_max = 12288,
    .text_line_max = 8192,
    .header_max = 256U << 10,
    .message_size_max = 50U << 20,
    .recipients_max = 1000,
    .messages_per_connection = 100,
    .received_max = 100,
    .soft_errors = 5,
    .hard_errors = 10,
    .junk_commands = 50,
    .login_failures = 3,
    .timeout = 300 * USEC_SEC,
    .login_timeout = 60 * USEC_SEC,
    .stress_timeout = 10 * USEC_SEC,
    .greeting_wait = 0,
    .error_delay = USEC_SEC,
    .min_rate = 500,
};

/* ------------------------------------------------------------------ small commands */

/*
 * A browser inside of a trusted network sends what a page of strangers tells it to: the commands in
 * such a form come behind lines that are none here.
 */
static void cmd_unknown(struct smtp_session *s, const struct smtp_command *c) WAITS {
    if (slice_find(c->line, S(" HTTP/")) < 0) {
        SMTP_SEND_REPLY(s, 500, 5, 5, 1, "No such command");
        return;
    }
    smtp_close(s, "HTTP instead of SMTP");
    SMTP_SEND_REPLY(s, 421, 4, 7, 0, "This is SMTP, not HTTP, closing");
}

static void cmd_not_offered(struct smtp_session *s, const struct smtp_command *c) WAITS {
    SMTP_SEND_REPLY(s, 502, 5, 5, 1, "Not offered here");
}

static void cmd_noop(struct smtp_session *s, const struct smtp_command *c) WAITS {
    SMTP_SEND_REPLY(s, 250, 2, 0, 0, "OK");
}

static void cmd_vrfy(struct smtp_session *s, const struct smtp_command *c) WAITS {
    SMTP_SEND_REPLY(s, 252, 2, 1, 5, "Cannot say; send a message and see");
}

static void cmd_quit(struct smtp_session *s, const struct smtp_command *c) WAITS {
    SMTP_SEND_REPLY(s, 221, 2, 0, 0, "Goodbye");
    smtp_close(s, "QUIT");
}

static void cmd_help(struct smtp_session *s, const struct smtp_command *c) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    const char *usage = smtp_verb_usage(smtp_verb_find(c->argument));
    if (usage) {
        buf_add_str(&text, usage);
    } else {
        buf_add_str(&text, "Commands:");
        for (unsigned verb = 0; verb < SMTP_VERB_COUNT; verb++)
            if (smtp_verb_usage((enum smtp_verb)verb))
                buf_printf(&text, " %s", smtp_verb_name((enum smtp_verb)verb));
    }
    smtp_send_reply(s, &(struct smtp_reply){214, {2, 0, 0}, buf_slice(&text)});
}

/* ------------------------------------------------------------------ the table */

static const struct {
    smtp_command_fn *run;
    bool junk; /* brings no message forward: bounded by junk_commands */
} commands[SMTP_VERB_COUNT] = {
    [SMTP_VERB_UNKNOWN] = {cmd_unknown, true},  [SMTP_VERB_HELO] = {smtp_cmd_helo, true},
    [SMTP_VERB_EHLO] = {smtp_cmd_ehlo, true},   [SMTP_VERB_MAIL] = {smtp_cmd_mail, false},
    [SMTP_VERB_RCPT] = {smtp_cmd_rcpt, false},  [SMTP_VERB_DATA] = {smtp_cmd_data, false},
    [SMTP_VERB_RSET] = {smtp_cmd_rset, true},   [SMTP_VERB_NOOP] = {cmd_noop, true},
    [SMTP_VERB_QUIT] = {cmd_quit, false},       [SMTP_VERB_HELP] = {cmd_help, true},
    [SMTP_VERB_VRFY] = {cmd_vrfy, true},        [SMTP_VERB_EXPN] = {cmd_not_offered, true},
    [SMTP_VERB_ETRN] = {cmd_not_offered, true}, [SMTP_VERB_STARTTLS] = {smtp_cmd_starttls, false},
    [SMTP_VERB_AUTH] = {smtp_cmd_auth, true},
};

/*
 * Secrets are not for the journey: the responses of AUTH, nor a line that no command knows on a
 * port with login, since it may be a response that came too late.
 */
static void report_command(struct smtp_session *s, const struct smtp_command *c) {
    struct slice shown = c->line;
    if (c->verb == SMTP_VERB_AUTH) {
        struct slice rest = c->argument, mechanism = {0};
        (void)slice_next_word(&rest, &mechanism);
        shown = slice_first(c->line, (size_t)(mechanism.ptr + mechanism.len - c->line.ptr));
    } else if (c->verb == SMTP_VERB_UNKNOWN && s->listener->service == SMTP_SUBMISSION) {
        shown = S("(unknown command)");
    }
    smtp_event(s, SMTP_EVENT_COMMAND, shown);
}

static void run_command(struct smtp_session *s, struct slice line) WAITS {
    struct smtp_command c;
    struct smtp_fault fault;
    if (smtp_command_parse(line, &c, &fault) < 0) {
        smtp_reply_fault(s, &fault);
        return;
    }
    if (c.verb != SMTP_VERB_AUTH && line.len > s->listener->limits.command_line_max) {
        SMTP_SEND_REPLY(s, 500, 5, 5, 2, "Line too long");
        return;
    }
    report_command(s, &c);
    if (commands[c.verb].junk && !smtp_count_junk(s))
        return;
    commands[c.verb].run(s, &c);
}

/* Waits for the next command and runs it. False: the conversation has ended. */
static bool next_command(struct smtp_session *s) WAITS {
    if (stream_has_input(s->stream))
        arena_reset(&s->arena);
    else
        arena_done(&s->arena);
    struct slice line;
    const struct smtp_limits *limits = &s->listener->limits;
    int r = smtp_read_line(s, MAX(limits->auth_line_max, limits->command_line_max), &line);
    if (r == 0)
        run_command(s, line);
    if (s->client.account.len) /* no more passwords will come */
        stream_set_secret(s->stream, false);
    return !s->closing;
}

/* ------------------------------------------------------------------ the beginning */

/*
 * Servers wait for the greeting; programs that only want to be rid of their message do not. Without
 * a wait nobody is refused: whose first command is there already would be a matter of chance.
 */
static bool waits_for_greeting(struct smtp_session *s) WAITS {
    if (s->listener->service != SMTP_RECEIVING || s->listener->limits.greeting_wait == 0)
        return true;
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + s->listener->limits.greeting_wait);
    int r = stream_fill(s->stream, 1);
    if (r == -ETIMEDOUT)
        r = stream_try_fill(s->stream); /* at the last moment */
    if (r == -EAGAIN)
        return true;
    if (r == 0) {
        SMTP_SEND_REPLY(s, 554, 5, 5, 1, "You spoke before the greeting, closing");
        smtp_close(s, "spoke before the greeting");
    } else {
        smtp_lost(s, r);
    }
    return false;
}

static bool is_admitted(struct smtp_session *s) WAITS {
    struct smtp_reply reply = {0};
    int r = s->host->admit ? s->host->admit(s->host->arg, &s->client, &s->arena, &reply) : 0;
    if (s->host->admit)
        reply = smtp_answer(r, &reply);
    if (!reply.code || smtp_reply_ok(&reply))
        return true;
    smtp_send_reply(s, &reply);
    smtp_close(s, "not admitted");
    return false;
}

static bool open_conversation(struct smtp_session *s) WAITS {
    const struct smtp_listener *l = s->listener;
    char address[NET_TEXT_SIZE];
    smtp_event(s, SMTP_EVENT_CONNECT, net_format_host(&s->client.peer, address));
    stream_set_timeout(s->stream, smtp_timeout(s));
    if (l->tls_first && !l->tls) { /* nothing can be said before TLS */
        smtp_close(s, "no certificate");
        return false;
    }
    if (l->tls_first && !smtp_start_tls(s))
        return false;
    if (!is_admitted(s) || !waits_for_greeting(s))
        return false;
    struct slice text = arena_printf(&s->arena, "%.*s ESMTP%s%.*s", SLICE_ARG(l->hostname),
                                     l->banner.len ? " " : "", SLICE_ARG(l->banner));
    smtp_send_reply(s, &(struct smtp_reply){.code = 220, .text = text});
    return !s->closing;
}

void smtp_session(struct stream *stream, const struct smtp_host *host,
                  const struct smtp_listener *listener, const struct net_addr *peer) {
    struct smtp_session s = {
        .stream = stream,
        .host = host,
        .listener = listener,
        .client = {.peer = *peer},
    };
    stream_set_secret(stream, listener->service == SMTP_SUBMISSION);
    if (open_conversation(&s))
        while (next_command(&s))
            ;
    (void)stream_flush(stream);
    stream_set_secret(stream, false);
    smtp_transaction_end(&s);
    smtp_event(&s, SMTP_EVENT_CLOSE, slice_of_str(s.close_reason));
    arena_done(&s.arena);
    buf_done(&s.hello);
    buf_done(&s.account);
}
