/* SPDX-License-Identifier: ISC */
/*
 * All replies go through smtp_send_reply(), so that counting, slowing down and closing have one
 * place.
 *
 * Only 5xx replies count as errors: a 4xx tells of our own state (too many recipients at once, a
 * role that is away, a sender asked to come again), which a client that behaves may run into
 * hundreds of times. A message that was accepted starts the counts anew.
 */
#include "smtp/conversation.h"

#include <errno.h>

/* A line that is too long is dropped up to here; a longer one is no slip. */
#define SKIP_MAX STREAM_WINDOW

void smtp_event(struct smtp_session *s, enum smtp_event_kind kind, struct slice text) {
    if (s->host->event)
        s->host->event(s->host->arg, kind, s->transaction ? s->transaction->id : 0, text);
}

void smtp_close(struct smtp_session *s, const char *reason) {
    s->closing = true;
    if (!s->close_reason)
        s->close_reason = reason;
}

static void send_reply(struct smtp_session *s, const struct smtp_reply *reply) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    smtp_reply_compose(&text, reply);
    stream_write(s->stream, buf_slice(&text));
    if (s->host->event) {
        struct arena a = {0};
        smtp_event(s, SMTP_EVENT_REPLY, smtp_reply_text(&a, reply));
        arena_done(&a);
    }
}

void smtp_send_reply(struct smtp_session *s, const struct smtp_reply *reply) {
    const struct smtp_limits *limits = &s->listener->limits;
    bool is_error = reply->code >= 500;
    if (is_error && ++s->errors > limits->soft_errors && limits->error_delay > 0 &&
        stream_flush(s->stream) == 0)
        (void)fiber_sleep(limits->error_delay);
    send_reply(s, reply);
    if (reply->code == 421)
        smtp_close(s, "closed with 421");
    if (is_error && s->errors >= limits->hard_errors && !s->closing) {
        send_reply(s, &SMTP_REPLY(421, 4, 7, 0, "Too many errors, closing"));
        smtp_close(s, "too many errors");
    }
}

void smtp_reply_fault(struct smtp_session *s, const struct smtp_fault *fault) {
    struct smtp_reply reply = smtp_fault_reply(fault, &s->arena);
    smtp_send_reply(s, &reply);
}

bool smtp_count_junk(struct smtp_session *s) {
    if (++s->junk <= s->listener->limits.junk_commands)
        return true;
    SMTP_SEND_REPLY(s, 421, 4, 7, 0, "Too many commands without a message, closing");
    return false;
}

/* In the largest unit that says it whole. */
struct smtp_reply smtp_too_large(struct smtp_session *s) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    uint64_t most = s->listener->limits.message_size_max;
    size_t unit = 0;
    while (unit + 1 < ARRAY_SIZE(units) && most > 0 && most % 1024 == 0) {
        most /= 1024;
        unit++;
    }
    struct smtp_reply reply = SMTP_REPLY(552, 5, 3, 4, "");
    reply.text =
        arena_printf(&s->arena,
                     "Message too large, at most %llu %s are taken (attached files grow by "
                     "a third on their way)",
                     (unsigned long long)most, units[unit]);
    return reply;
}

struct smtp_reply smtp_answer(int error, const struct smtp_reply *reply) {
    if (error < 0 || reply->code < 200)
        return SMTP_REPLY(451, 4, 3, 0, "Temporary failure, please try again later");
    return *reply;
}

void smtp_lost(struct smtp_session *s, int error) {
    if (error == -ETIMEDOUT)
        SMTP_SEND_REPLY(s, 421, 4, 4, 2, "Timeout, closing");
    else if (error == -E_SLOW)
        SMTP_SEND_REPLY(s, 421, 4, 4, 2, "Too slow, closing");
    else if (error == -ECANCELED && s->host->login_ended && s->host->login_ended(s->host->arg))
        SMTP_SEND_REPLY(s, 421, 4, 7, 0, "This account has changed, please log in again");
    else if (error == -ECANCELED)
        SMTP_SEND_REPLY(s, 421, 4, 3, 2, "Shutting down, closing");
    s->close_reason = error_text(error);
    s->closing = true;
}

usec_t smtp_timeout(const struct smtp_session *s) {
    const struct smtp_limits *limits = &s->listener->limits;
    bool before_login = s->listener->service == SMTP_SUBMISSION && !s->client.account.len;
    usec_t timeout = before_login ? limits->login_timeout : limits->timeout;
    bool stress = s->host->under_stress && s->host->under_stress(s->host->arg);
    return stress ? MIN(timeout, limits->stress_timeout) : timeout;
}

/*
 * A line that a bare LF ended is refused by whoever reads it. What follows belongs to the same line
 * up to CRLF, and is never taken for a command, wherever the packets were cut.
 */
static int refuse_behind_bare_lf(struct smtp_session *s, struct slice line) WAITS {
    bool behind = s->behind_bare_lf;
    s->behind_bare_lf = !slice_ends(line, S("\r\n"));
    if (!behind)
        return 0;
    SMTP_SEND_REPLY(s, 500, 5, 5, 2,
                    "This line began behind a bare LF, a line ends with CR and LF");
    return -E_LIMIT;
}

/* The rest of a line that is too long. -E_LIMIT: done, and the client has been told. */
static int skip_line(struct smtp_session *s) WAITS {
    int r = stream_skip_line(s->stream, SKIP_MAX, &s->behind_bare_lf);
    if (r == -E_LIMIT) {
        smtp_close(s, "endless line");
        SMTP_SEND_REPLY(s, 421, 4, 7, 0, "Line too long, closing");
    } else if (r == 0) {
        SMTP_SEND_REPLY(s, 500, 5, 5, 2, "Line too long");
    }
    return r < 0 ? r : -E_LIMIT;
}

int smtp_read_line(struct smtp_session *s, size_t max, struct slice *ret_line) {
    usec_t timeout = smtp_timeout(s);
    stream_set_timeout(s->stream, timeout); /* for what is written until the next command */
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + timeout);
    int r = fiber_cancelled() ? -ECANCELED : stream_read_line(s->stream, max, ret_line);
    if (r == -E_LIMIT) {
        r = skip_line(s);
        if (r == -E_LIMIT)
            return r;
    }
    if (r < 0)
        smtp_lost(s, r);
    return r < 0 ? r : refuse_behind_bare_lf(s, *ret_line);
}

bool smtp_keep(struct smtp_session *s, size_t bytes) {
    if (s->host->keep && !s->host->keep(s->host->arg, bytes))
        return false;
    s->kept_size = bytes;
    return true;
}

void smtp_transaction_end(struct smtp_session *s) {
    s->transaction = NULL;
    free(s->recipients);
    s->recipients = NULL;
    s->recipients_room = 0;
    s->rcpts = 0;
    arena_done(&s->kept);
    if (s->kept_size > 0)
        (void)smtp_keep(s, 0);
}
