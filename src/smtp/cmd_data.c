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

static bool may_send(struct smtp_session *s) {
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

static struct smtp_reply fault_reply(struct smtp_session *s, enum smtp_body_fault fault) {
    return (struct smtp_reply){
        550, {5, 6, 0}, arena_printf(&s->arena, "Not acceptable: %s", smtp_body_fault_text(fault))};
}

static int write_chunk(struct smtp_session *s, struct slice chunk) {
    usec_t began = fiber_now();
    int r = s->host->message_write(s->host->arg, s->transaction, chunk);
    if (fiber_now() - began > WRITE_PAUSE)
        stream_rate_restart(s->stream);
    return r;
}

/* What speaks against the message so far; code 0: nothing. */
static struct smtp_reply judge(struct smtp_session *s, const struct message *l) {
    const struct smtp_limits *limits = &s->listener->limits;
    if (l->body.fault)
        return fault_reply(s, l->body.fault);
    if (l->facts.size > limits->message_size_max)
        return smtp_too_large(s);
    if (l->facts.header_size > limits->header_max)
        return SMTP_REPLY(552, 5, 3, 4, "Header too large");
    if (l->facts.received > limits->received_max)
        return SMTP_REPLY(554, 5, 4, 6, "Too many hops, this message goes round in a loop");
    return (struct smtp_reply){0};
}

static void take_chunk(struct smtp_session *s, struct message *l, struct slice chunk) {
    if (l->refusal.code) {
        l->dropped += chunk.len;
        return;
    }
    message_scan_feed(&l->facts, chunk);
    l->refusal = judge(s, l);
    int r = l->refusal.code ? 0 : write_chunk(s, chunk);
    if (r == -ENOSPC || r == -E_LIMIT)
        l->refusal = SMTP_REPLY(452, 4, 3, 1, "Not enough room now, please try again later");
    else if (r < 0)
        l->refusal = smtp_answer(r, &l->refusal);
    if (l->refusal.code)
        s->host->message_abort(s->host->arg, &s->client, s->transaction, &l->refusal);
}

/* Up to the end of data; -E_LIMIT: a refused message that goes on and on. */
static int read_message(struct smtp_session *s, struct message *l) {
    for (;;) {
        struct slice window = stream_window(s->stream), rest = window, chunk;
        while (smtp_body_next(&l->body, &rest, &chunk))
            take_chunk(s, l, chunk);
        stream_consume(s->stream, window.len - rest.len);
        if (l->body.ended)
            return fiber_cancelled() ? -ECANCELED : 0;
        if (l->dropped > s->listener->limits.message_size_max)
            return -E_LIMIT;
        stream_set_timeout(s->stream, smtp_timeout(s));
        int r = stream_fill_more(s->stream);
        if (r < 0)
            return r;
    }
}

static int read_at_rate(struct smtp_session *s, struct message *l) {
    stream_set_min_rate(s->stream, s->listener->limits.min_rate, RATE_GRACE);
    int r = read_message(s, l);
    stream_set_min_rate(s->stream, 0, 0);
    return r;
}

static void finish(struct smtp_session *s, struct message *l) {
    struct smtp_reply reply = l->refusal;
    if (!reply.code) {
        int r = s->host->message_end(s->host->arg, &s->client, s->transaction, &l->facts, &s->arena,
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

/* The client is gone, or too slow, with a message that was fine so far. */
static void give_up(struct smtp_session *s, int error) {
    struct smtp_reply lost = {.text = slice_of_str(error_text(error))};
    s->host->message_abort(s->host->arg, &s->client, s->transaction, &lost);
}

static bool begin(struct smtp_session *s) {
    struct smtp_reply reply = {0};
    int r = s->host->message_begin(s->host->arg, &s->client, s->transaction, &s->arena, &reply);
    reply = smtp_answer(r, &reply);
    smtp_send_reply(s, &reply);
    return reply.code / 100 == 3;
}

void smtp_cmd_data(struct smtp_session *s, const struct smtp_command *c) {
    if (!may_send(s) || !begin(s))
        return;
    struct message l = {.body = {.line_max = s->listener->limits.text_line_max}};
    int r = read_at_rate(s, &l);
    if (r < 0 && !l.refusal.code)
        give_up(s, r);
    if (r == 0) {
        finish(s, &l);
    } else if (r == -E_LIMIT) {
        finish(s, &l);
        smtp_close(s, "a refused message without end");
    } else {
        smtp_event(s, SMTP_EVENT_MESSAGE, slice_of_str(error_text(r)));
        smtp_lost(s, r);
    }
    smtp_transaction_end(s);
}
