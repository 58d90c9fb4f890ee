/* SPDX-License-Identifier: ISC */
/*
 * DATA (RFC 5321 §4.1.1.4). The message passes straight from the stream's window to the host, in
 * whole chunks. Once something is wrong with it the rest is still read, up to the real end of data,
 * so that no part of a refused message is ever taken for commands; the reply comes behind it.
 */
#include <errno.h>

#include "smtp/body.h"
#include "smtp/conversation.h"

/* How long a client may take before the minimum rate counts. */
#define RATE_GRACE (30 * USEC_SEC)

/* A write that took longer than this was not the client's slowness. */
#define WRITE_PAUSE USEC_SEC

struct message {
    struct smtp_body body;
    struct message_scan facts;
    struct smtp_reply refusal; /* code 0: all is well, and the host still takes chunks */
    uint64_t dropped;
};

static bool may_send(struct smtp_session *s) WAITS {
    if (!s->transaction)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "MAIL and RCPT come first");
    else if (!s->transaction->envelope.count && s->rcpts)
        SMTP_SEND_REPLY(s, 554, 5, 5, 1, "No valid recipients");
    else if (!s->transaction->envelope.count)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "RCPT comes first");
    else
        return true;
    return false;
}

/* What speaks against the message so far; code 0: nothing. */
static struct smtp_reply judge(struct smtp_session *s, const struct message *m) {
    const struct smtp_limits *limits = &s->listener->limits;
    if (m->body.fault)
        return (struct smtp_reply){
            550,
            {5, 6, 0},
            arena_printf(&s->arena, "Not acceptable: %s", smtp_body_fault_text(m->body.fault))};
    if (m->facts.size > limits->message_size_max)
        return smtp_too_large(s);
    if (m->facts.header_size > limits->header_max)
        return SMTP_REPLY(552, 5, 3, 4, "Header too large");
    if (m->facts.received > limits->received_max)
        return SMTP_REPLY(554, 5, 4, 6, "Too many hops, this message goes round in a loop");
    return (struct smtp_reply){0};
}

static void take_chunk(struct smtp_session *s, struct message *m, struct slice chunk) WAITS {
    if (m->refusal.code) {
        m->dropped += chunk.len;
        return;
    }
    message_scan_feed(&m->facts, chunk);
    m->refusal = judge(s, m);
    if (!m->refusal.code) {
        usec_t began = fiber_now();
        int r = s->host->message_write(s->host->arg, s->transaction, chunk);
        if (fiber_now() - began > WRITE_PAUSE)
            stream_rate_restart(s->stream);
        if (r == -ENOSPC || r == -E_LIMIT)
            m->refusal = SMTP_REPLY(452, 4, 3, 1, "Not enough room now, please try again later");
        else if (r < 0)
            m->refusal = smtp_answer(r, &m->refusal);
    }
    if (m->refusal.code)
        s->host->message_abort(s->host->arg, &s->client, s->transaction, &m->refusal);
}

/* Up to the end of data; -E_LIMIT: a refused message that goes on and on. */
static int read_message(struct smtp_session *s, struct message *m) WAITS {
    for (;;) {
        struct slice window = stream_window(s->stream), rest = window, chunk;
        while (smtp_body_next(&m->body, &rest, &chunk))
            take_chunk(s, m, chunk);
        stream_consume(s->stream, window.len - rest.len);
        if (m->body.ended)
            return fiber_cancelled() ? -ECANCELED : 0;
        if (m->dropped > s->listener->limits.message_size_max)
            return -E_LIMIT;
        stream_set_timeout(s->stream, smtp_timeout(s));
        int r = stream_fill_more(s->stream);
        if (r < 0)
            return r;
    }
}

static void finish(struct smtp_session *s, struct message *m) WAITS {
    struct smtp_reply reply = m->refusal;
    if (!reply.code) {
        int r = s->host->message_end(s->host->arg, &s->client, s->transaction, &m->facts, &s->arena,
                                     &reply);
        reply = smtp_answer(r, &reply);
    }
    if (smtp_reply_ok(&reply)) {
        s->messages++;
        s->errors = s->junk = 0;
    }
    smtp_event(s, SMTP_EVENT_MESSAGE, smtp_reply_text(&s->arena, &reply));
    smtp_send_reply(s, &reply);
    if (!smtp_reply_ok(&reply) && !s->closing)
        (void)smtp_count_junk(s);
}

void smtp_cmd_data(struct smtp_session *s, const struct smtp_command *c) {
    if (!may_send(s))
        return;
    struct smtp_reply reply = {0};
    int r = s->host->message_begin(s->host->arg, &s->client, s->transaction, &s->arena, &reply);
    reply = smtp_answer(r, &reply);
    smtp_send_reply(s, &reply);
    if (reply.code / 100 != 3)
        return;
    struct message m = {.body = {.line_max = s->listener->limits.text_line_max}};
    stream_set_min_rate(s->stream, s->listener->limits.min_rate, RATE_GRACE);
    r = read_message(s, &m);
    stream_set_min_rate(s->stream, 0, 0);
    if (r < 0 && !m.refusal.code) {
        /* The client is gone, or too slow, with a message that was fine so far. */
        struct smtp_reply lost = {.text = slice_of_str(error_text(r))};
        s->host->message_abort(s->host->arg, &s->client, s->transaction, &lost);
    }
    if (r == 0) {
        finish(s, &m);
    } else if (r == -E_LIMIT) {
        finish(s, &m);
        smtp_close(s, "a refused message without end");
    } else {
        smtp_event(s, SMTP_EVENT_MESSAGE, slice_of_str(error_text(r)));
        smtp_lost(s, r);
    }
    smtp_transaction_end(s);
}
