/* SPDX-License-Identifier: ISC */
/*
 * The dialogue is recorded as it goes over the wire, so that a postmaster sees what was said and
 * not what we made of it. Bytes that could confuse a terminal become '?'; a peer that talks without
 * end does not fill our memory.
 */
#include "relay/talk.h"

#include <errno.h>

#define LAST_REPLY_WITHIN (5 * USEC_SEC)

static void record_line(struct relay_client *c, const char *who, struct slice line) {
    struct buf *to = &c->dialogue;
    line = slice_trim_lines(line);
    if (c->dialogue_cut)
        return;
    if (to->len + line.len + 8 > RELAY_DIALOGUE_MAX) {
        buf_add(to, S("...\n"));
        c->dialogue_cut = true;
        return;
    }
    buf_add_str(to, who);
    for (size_t i = 0; i < line.len; i++) {
        unsigned char b = (unsigned char)line.ptr[i];
        buf_add_byte(to, b < 0x20 || b == 0x7f ? '?' : (char)b);
    }
    buf_add_byte(to, '\n');
}

void talk_command(struct relay_client *c, struct slice line) {
    stream_write(c->stream, line);
    stream_write(c->stream, S("\r\n"));
    record_line(c, "C: ", line);
}

static int read_lines(struct relay_client *c, struct arena *a, struct smtp_reply *ret) WAITS {
    struct smtp_reply_reader reader = {0};
    int r = 0;
    while (r == 0) {
        struct slice line;
        r = stream_read_line(c->stream, SMTP_REPLY_LINE_IN, &line);
        if (r < 0)
            return r;
        record_line(c, "S: ", line);
        c->unanswered = false;
        r = smtp_reply_add(&reader, a, line);
    }
    if (r > 0)
        *ret = reader.reply;
    return MIN(r, 0);
}

int talk_reply(struct relay_client *c, const char *step, usec_t timeout, struct arena *a,
               struct smtp_reply *ret_reply) {
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + timeout);
    int r = c->over ? -EPIPE : read_lines(c, a, ret_reply);
    if (r == 0)
        return 0;
    c->over = true;
    *ret_reply = talk_lost(c, step, r, a);
    return r;
}

int talk_last_reply(struct relay_client *c, struct arena *a, struct smtp_reply *ret_reply) {
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + LAST_REPLY_WITHIN);
    c->over = true;
    stream_hear_out(c->stream);
    return read_lines(c, a, ret_reply);
}

struct smtp_reply talk_lost(const struct relay_client *c, const char *step, int error,
                            struct arena *a) {
    struct smtp_reply reply = {451, {4, 4, 2}, {NULL, 0}};
    struct slice peer = c->options.peer;
    if (error == -ETIMEDOUT)
        reply.text = arena_printf(a, "%.*s did not answer in time (%s)", SLICE_ARG(peer), step);
    else if (error == -E_SYNTAX || error == -E_LIMIT) {
        reply.status.subject = 5;
        reply.status.detail = 0;
        reply.text = arena_printf(a, "%.*s gave an answer that is no SMTP reply (%s)",
                                  SLICE_ARG(peer), step);
    } else
        reply.text = arena_printf(a, "Connection with %.*s lost (%s): %s", SLICE_ARG(peer), step,
                                  error_text(error));
    return reply;
}

struct relay_result talk_result(const struct smtp_reply *reply) {
    struct relay_result result = {.reply = *reply, .from_peer = true};
    unsigned class = reply->code / 100;
    result.fate = class == 2 ? RELAY_DELIVERED : class == 5 ? RELAY_NEVER : RELAY_LATER;
    if (!result.reply.status.class)
        result.reply.status.class = class == 2 || class == 5 ? (uint8_t) class : 4;
    return result;
}

struct relay_result talk_refusal(const struct smtp_reply *reply) {
    struct relay_result result = talk_result(reply);
    if (result.fate == RELAY_DELIVERED) {
        result.fate = RELAY_LATER;
        result.reply.status = (struct smtp_status){4, 5, 0};
    }
    return result;
}

void relay_say(const struct relay_voice *voice, enum relay_step step, const char *format, ...) {
    if (!voice || !voice->say)
        return;
    _cleanup_(buf_done) struct buf sentence = {0};
    va_list args;
    va_start(args, format);
    buf_printf_v(&sentence, format, args);
    va_end(args);
    voice->say(voice->arg, step, buf_slice(&sentence));
}
